import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';

/** A script and the name under which the server knows it. */
interface Script {
  readonly text: string;
  readonly sha1: string;
}

function script(text: string): Script {
  return { text, sha1: createHash('sha1').update(text).digest('hex') };
}

/** What is there, or 1 when nothing was and the marker ARGV[1] is now, for ARGV[2] ms. */
export const ACQUIRE: Script = script(`
local held = redis.call('GET', KEYS[1])
if held then return held end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`);

/** Puts ARGV[2] in the place of the marker ARGV[1], for ARGV[3] ms or for ever when that is empty. 1 when it did. */
export const FILL: Script = script(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[3] == '' then redis.call('SET', KEYS[1], ARGV[2])
else redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end
return 1`);

/** Deletes the marker ARGV[1], if it is still there. */
export const RELEASE: Script = script(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])`);

/** Runs a script on one key by its name, and once by its text when the server does not know it (yet, or any more). */
export async function runScript(
  client: Redis,
  { text, sha1 }: Script,
  key: string,
  ...args: readonly (string | number)[]
): Promise<unknown> {
  try {
    return await client.evalsha(sha1, 1, key, ...args);
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
    return client.eval(text, 1, key, ...args);
  }
}
