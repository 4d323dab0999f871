import type { Cluster, Redis, RedisOptions } from 'ioredis';

const LAST_RECONNECT_MS = 1000;

function pauseMs(times: number): number {
  return Math.min(50 * times, LAST_RECONNECT_MS);
}

const SUBSCRIBER: Partial<RedisOptions> = {
  lazyConnect: true,
  enableOfflineQueue: true,
  maxRetriesPerRequest: null,
  // Ours, so that `onUp` comes after it and not before.
  autoResubscribe: false,
  autoResendUnfulfilledCommands: false,
  retryStrategy: pauseMs,
};

function ignore(): void {}

/**
 * Connects as the client does, to listen, and anew for ever when that is lost.
 *
 * @param onMade - Is given the connection, once, before it is there; possibly before this returns.
 * @returns what ends it.
 */
export function listen(client: Redis | Cluster, onMade: (subscriber: Redis) => void): () => void {
  if (client.isCluster) return listenToNode(client as Cluster, onMade);
  const subscriber = (client as Redis).duplicate(SUBSCRIBER);
  start(subscriber, onMade);
  return () => {
    subscriber.disconnect();
  };
}

function start(subscriber: Redis, onMade: (subscriber: Redis) => void): void {
  // The `close` that follows is what counts.
  subscriber.on('error', ignore);
  onMade(subscriber);
  // Retried by the client.
  subscriber.connect().catch(ignore);
}

/**
 * In a Cluster every node passes every message on, so that any of them will do, and another one when it goes. A connection to a
 * node itself, because a cluster client that subscribes puts another in the place of one that is lost, and tells nobody, so that
 * what was said in between would be missed without a word; and its PING goes elsewhere.
 */
function listenToNode(cluster: Cluster, onMade: (subscriber: Redis) => void): () => void {
  // Knows the nodes, also where the user's own has yet to be connected. Its types do not know that it may be given no nodes.
  const finder = (cluster.duplicate as (nodes: [], options: object) => Cluster)([], {
    lazyConnect: true,
    clusterRetryStrategy: pauseMs,
  });
  let subscriber: Redis | undefined;
  finder.on('error', ignore);
  finder.once('ready', () => {
    const node = anyOf(finder);
    if (node === undefined) return;
    const options: Partial<RedisOptions> = {
      ...SUBSCRIBER,
      readOnly: false,
      retryStrategy: (times) => {
        const { host, port } = (anyOf(finder) ?? node).options;
        // What it connects to next.
        Object.assign(subscriber!.options, { host, port });
        return pauseMs(times);
      },
    };
    subscriber = node.duplicate(options);
    start(subscriber, onMade);
  });
  finder.connect().catch(ignore);
  return () => {
    finder.disconnect();
    subscriber?.disconnect();
  };
}

function anyOf(cluster: Cluster): Redis | undefined {
  const nodes = cluster.nodes('master');
  return nodes[Math.floor(Math.random() * nodes.length)];
}
