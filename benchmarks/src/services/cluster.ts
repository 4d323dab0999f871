import { ServiceOptionError } from './errors.ts';
import { until } from './poll.ts';
import { LOOPBACK } from './port.ts';
import { parseInfo, withRedis } from './redis-client.ts';
import { startRedis, type RedisOptions, type RedisServer } from './redis.ts';
import { startAll, stopAll } from './server-group.ts';

/** Redis Cluster has this many hash slots, whatever the number of nodes. */
const SLOTS = 16_384;
/** A cluster answers for all its slots with one primary, but an election needs a majority of at least three. */
const NODES_MAX = 32;
const JOIN_TIMEOUT_MS = 30_000;

/** A Redis Cluster of one's own. See {@link startRedisCluster}. */
export interface RedisCluster extends AsyncDisposable {
  /** All primaries, each with an equal share of the slots, in the slots' order; each can be hung, killed, restarted. */
  readonly nodes: readonly RedisServer[];
  /** What a client is given: `new Cluster(cluster.seeds)`. */
  readonly seeds: readonly { readonly host: string; readonly port: number }[];
  /** Stops all nodes. A second call does nothing. */
  stop(): Promise<void>;
}

async function join(nodes: readonly RedisServer[]): Promise<void> {
  const [first] = nodes;
  for (const [index, { url }] of nodes.entries()) {
    await withRedis(url, async (client) => {
      const from = Math.floor((index * SLOTS) / nodes.length);
      const to = Math.floor(((index + 1) * SLOTS) / nodes.length);
      await client.cluster(
        'ADDSLOTS',
        Array.from({ length: to - from }, (_, offset) => from + offset),
      );
      // Distinct from the start: nodes need not settle a conflict first.
      await client.call('CLUSTER', 'SET-CONFIG-EPOCH', index + 1);
      if (first !== undefined && index > 0) await client.call('CLUSTER', 'MEET', LOOPBACK, first.port);
    });
  }
  for (const { url, port } of nodes) {
    await withRedis(url, (client) =>
      until(`Redis Cluster node ${port} joins`, JOIN_TIMEOUT_MS, async () => {
        const info = parseInfo(String(await client.call('CLUSTER', 'INFO')));
        return info['cluster_state'] === 'ok' && info['cluster_known_nodes'] === String(nodes.length);
      }),
    );
  }
}

/**
 * Starts a Redis Cluster of primaries without replicas and waits until every node calls it whole: some 3 s.
 *
 * @param nodes - How many, 1 to 32.
 * @param options - For each node, as of {@link startRedis}.
 *
 * @throws ServiceOptionError if `nodes` is out of range.
 * @throws ServiceMissingError, ServiceStartError as {@link startRedis}.
 *
 * @example
 * await using cluster = await startRedisCluster();
 * const client = new Cluster([...cluster.seeds]);
 */
export async function startRedisCluster(
  nodes = 3,
  options: Omit<RedisOptions, 'mode'> = {},
): Promise<RedisCluster> {
  if (!Number.isInteger(nodes) || nodes < 1 || nodes > NODES_MAX)
    throw new ServiceOptionError(`nodes: expected an integer from 1 to ${NODES_MAX}, got ${nodes}`);
  const servers = await startAll(
    Array.from({ length: nodes }, () => () => startRedis({ ...options, mode: 'cluster' })),
  );
  const stop = (): Promise<void> => stopAll(servers);
  try {
    await join(servers);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    nodes: servers,
    seeds: servers.map(({ port }) => ({ host: LOOPBACK, port })),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
