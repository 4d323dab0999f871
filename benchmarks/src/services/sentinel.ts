import { ServiceOptionError } from './errors.ts';
import { until } from './poll.ts';
import { LOOPBACK } from './port.ts';
import { parseInfo, withRedis } from './redis-client.ts';
import { startRedis, type RedisOptions, type RedisServer } from './redis.ts';
import { startAll, stopAll } from './server-group.ts';

const NAME = 'hotpath';
/** Silence after which a server counts as down, and the time a failover may take before another is tried. */
const DOWN_AFTER_MS = 500;
const FAILOVER_TIMEOUT_MS = 2_000;
const SETTLE_TIMEOUT_MS = 30_000;
const SENTINELS_MAX = 7;

export interface SentinelOptions {
  /** How many watch; more than half must agree on a failover. Odd, 1 to 7. Default 1. */
  readonly sentinels?: number;
  /** For the primary and the replica, as of {@link startRedis}. */
  readonly config?: readonly string[];
}

/** A primary, its replica and those that watch them. See {@link startRedisSentinel}. */
export interface RedisSentinel extends AsyncDisposable {
  /** The name that clients ask the sentinels for. */
  readonly name: string;
  /** The primary at the start; a failover changes the roles, not these fields. */
  readonly primary: RedisServer;
  readonly replica: RedisServer;
  readonly sentinels: readonly RedisServer[];
  /** What a client is given: `new Redis({ sentinels: group.seeds, name: group.name })`. */
  readonly seeds: readonly { readonly host: string; readonly port: number }[];
  /** The port of the primary that the first sentinel names now. */
  currentPort(): Promise<number>;
  /** Stops all. A second call does nothing. */
  stop(): Promise<void>;
}

/** A reply of name and value in turn. */
function fields(reply: unknown): Map<string, string> {
  const flat = (reply as unknown[]).map(String);
  return new Map(flat.flatMap((name, index) => (index % 2 === 0 ? [[name, flat[index + 1] ?? '']] : [])));
}

/** Each sentinel sees the replica as healthy and knows of all the others: from here on a failover can succeed. */
async function settle(sentinels: readonly RedisServer[]): Promise<void> {
  for (const { url, port } of sentinels) {
    await withRedis(url, (client) =>
      until(`sentinel ${port} knows the replica and the other sentinels`, SETTLE_TIMEOUT_MS, async () => {
        const primary = fields(await client.call('SENTINEL', 'MASTER', NAME));
        const replicas = (await client.call('SENTINEL', 'REPLICAS', NAME)) as unknown[];
        const healthy = replicas.map(fields).filter((replica) => replica.get('master-link-status') === 'ok');
        return healthy.length === 1 && primary.get('num-other-sentinels') === String(sentinels.length - 1);
      }),
    );
  }
}

async function follow(replica: RedisServer): Promise<void> {
  await withRedis(replica.url, (client) =>
    until(`replica ${replica.port} follows`, SETTLE_TIMEOUT_MS, async () => {
      const info = parseInfo(await client.info('replication'));
      return info['master_link_status'] === 'up';
    }),
  );
}

/**
 * Starts a primary, a replica in step with it, and sentinels that watch them and know each other: some 2 s, a few more
 * with several sentinels. Kill or hang the primary, and after about a second the replica is promoted.
 *
 * @throws ServiceOptionError if `sentinels` is out of range.
 * @throws ServiceMissingError, ServiceStartError as {@link startRedis}.
 *
 * @example
 * await using group = await startRedisSentinel();
 * const client = new Redis({ sentinels: [...group.seeds], name: group.name });
 * await group.primary.kill();
 */
export async function startRedisSentinel(options: SentinelOptions = {}): Promise<RedisSentinel> {
  const { sentinels: count = 1, config = [] } = options;
  if (!Number.isInteger(count) || count < 1 || count > SENTINELS_MAX || count % 2 === 0)
    throw new ServiceOptionError(`sentinels: expected 1, 3, 5 or 7, got ${count}`);
  const data: Pick<RedisOptions, 'config'> = { config: ['repl-ping-replica-period 1', ...config] };
  const started: RedisServer[] = [];
  const stop = (): Promise<void> => stopAll(started);
  try {
    const primary = await startRedis(data);
    started.push(primary);
    const replica = await startRedis({
      config: [...(data.config ?? []), `replicaof ${LOOPBACK} ${primary.port}`],
    });
    started.push(replica);
    // A sentinel asks the primary for its replicas at once and then every 10 s: the replica is there first.
    await follow(replica);
    const quorum = (count + 1) / 2;
    const lines = [
      `sentinel monitor ${NAME} ${LOOPBACK} ${primary.port} ${quorum}`,
      `sentinel down-after-milliseconds ${NAME} ${DOWN_AFTER_MS}`,
      `sentinel failover-timeout ${NAME} ${FAILOVER_TIMEOUT_MS}`,
    ];
    const sentinels = await startAll(
      Array.from({ length: count }, () => () => startRedis({ mode: 'sentinel', config: lines })),
    );
    started.push(...sentinels);
    await settle(sentinels);
    const [first] = sentinels;
    return {
      name: NAME,
      primary,
      replica,
      sentinels,
      seeds: sentinels.map(({ port }) => ({ host: LOOPBACK, port })),
      currentPort: () =>
        withRedis(first?.url ?? '', async (client) => {
          const address = await client.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', NAME);
          return Number((address as unknown[])[1]);
        }),
      stop,
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
