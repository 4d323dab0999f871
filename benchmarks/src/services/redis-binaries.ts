import { findDebianRedis } from './debian-redis.ts';
import { ServiceMissingError } from './errors.ts';
import { isExecutable, which } from './executable.ts';

/** How to run a Redis server, and where it came from. */
export interface RedisBinary {
  readonly command: string;
  /** What it needs to find its libraries. */
  readonly env: Readonly<Record<string, string>>;
  readonly source: string;
}

const NAMES = ['redis-server', 'valkey-server'];

/**
 * REDIS_SERVER_BIN if set; else redis-server or valkey-server on the PATH; else Debian's package, unpacked without root.
 *
 * @throws ServiceMissingError if there is none; also if REDIS_SERVER_BIN is set and is not one: nothing else is tried.
 */
export async function findRedis(): Promise<RedisBinary> {
  const given = process.env['REDIS_SERVER_BIN'];
  if (given !== undefined && given !== '') {
    if (!isExecutable(given))
      throw missingRedis(`REDIS_SERVER_BIN is ${given}, which is no file that can be run`);
    return { command: given, env: {}, source: `REDIS_SERVER_BIN (${given})` };
  }
  for (const name of NAMES) {
    const command = which(name);
    if (command !== undefined) return { command, env: {}, source: command };
  }
  const none = `there is no ${NAMES.join(' or ')} on the PATH`;
  if (process.platform !== 'linux') throw missingRedis(none);
  const debian = await findDebianRedis();
  if (!debian.ok) throw missingRedis(`${none}, and ${debian.reason}`);
  return debian;
}

function missingRedis(reason: string): ServiceMissingError {
  const install =
    process.platform === 'darwin'
      ? 'run `brew install redis`'
      : 'install redis or valkey (Debian and Ubuntu: `apt-get update && apt-get install -y redis-server`; Fedora: `dnf install valkey`; Alpine: `apk add redis`)';
  return new ServiceMissingError(
    'redis',
    reason,
    `Set REDIS_URL to a server that you have, set REDIS_SERVER_BIN to a server’s binary, or ${install}.`,
  );
}
