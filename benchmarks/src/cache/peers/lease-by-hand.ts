import type { ReaderPlace } from '../stampede/readers.ts';

/** Replaces a lease by its value, if it is still there. */
const FILL = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1`;

/** The commands that a lease takes, and nothing else: no deadline, no memory, nobody who joins or waits. */
export async function openLeaseByHand(
  { redisUrl, uniqueName }: ReaderPlace,
  load: (key: string) => Promise<unknown>,
): Promise<{ get(key: string): Promise<unknown>; close(): Promise<void> }> {
  const { Redis } = await import('ioredis');
  const client = new Redis(redisUrl);
  const fill = String(await client.script('LOAD', FILL));
  let leaseCount = 0;
  return {
    async get(key) {
      const name = `${uniqueName}:${key}`;
      const lease = `lease ${leaseCount++}`;
      const found = await client.set(name, lease, 'PX', 30_000, 'NX', 'GET');
      if (found !== null) return JSON.parse(found) as unknown;
      const value = await load(key);
      client.evalsha(fill, 1, name, lease, JSON.stringify(value), 60_000).catch(() => {
        // The lease lapses.
      });
      return value;
    },
    close() {
      client.disconnect();
      return Promise.resolve();
    },
  };
}
