import type { Cluster, Redis, RedisOptions } from 'ioredis';
import type { TierListener } from '../tier.ts';

/** How often a subscriber asks its server for a sign of life, in ms; the next one notices that none came. */
const HEARTBEAT_MS = 1000;
const LAST_RECONNECT_MS = 1000;

const SUBSCRIBER: Partial<RedisOptions> = {
  lazyConnect: true,
  enableOfflineQueue: true,
  maxRetriesPerRequest: null,
  // Ours, so that `onUp` comes after it and not before.
  autoResubscribe: false,
  autoResendUnfulfilledCommands: false,
  retryStrategy: (times) => Math.min(50 * times, LAST_RECONNECT_MS),
};

/** `undefined` stands for all keys of the region. */
export type ChangeMessage = readonly [origin: string, region: string, keys: readonly string[] | null];

export function channelOf(namespace: string): string {
  return `${namespace}:changed`;
}

function parse(text: string): ChangeMessage | undefined {
  try {
    const message: unknown = JSON.parse(text);
    if (!Array.isArray(message) || typeof message[0] !== 'string' || typeof message[1] !== 'string')
      return undefined;
    if (message[2] !== null && !Array.isArray(message[2])) return undefined;
    return message as unknown as ChangeMessage;
  } catch {
    return undefined;
  }
}

/** In a Cluster every node passes every message on, so any of them will do; the client finds another when it goes. */
function listenerLike(client: Redis | Cluster): Redis {
  if (!client.isCluster) return (client as Redis).duplicate(SUBSCRIBER);
  const cluster = client as Cluster;
  // Its types know neither the options nor that a cluster subscribes as a single client does.
  const duplicate = (cluster.duplicate as (nodes: [], options: object) => unknown)([], {
    lazyConnect: true,
    enableOfflineQueue: true,
    clusterRetryStrategy: (times: number) => Math.min(50 * times, LAST_RECONNECT_MS),
    redisOptions: { ...cluster.options.redisOptions, autoResubscribe: false },
  });
  return duplicate as Redis;
}

/**
 * Listens on a connection of its own, because one that subscribes can do nothing else. @returns what ends it.
 *
 * A connection that was lost is made anew for ever, and its silence is noticed by a heartbeat: a half-open one would
 * otherwise look healthy for minutes.
 */
export function subscribe(client: Redis | Cluster, listener: TierListener): () => void {
  const subscriber = listenerLike(client);
  const channel = channelOf(listener.namespace);
  let up = false;
  let awaitingPong = false;

  const down = (): void => {
    awaitingPong = false;
    if (!up) return;
    up = false;
    listener.onDown();
  };

  subscriber.on('error', () => {
    // The `close` that follows is what counts.
  });
  subscriber.on('close', down);
  subscriber.on('end', down);
  subscriber.on('ready', () => {
    subscriber.subscribe(channel).then(
      () => {
        up = true;
        listener.onUp();
      },
      () => {
        // Not allowed to, or cut off again.
        subscriber.disconnect(true);
      },
    );
  });
  subscriber.on('message', (_channel: string, text: string) => {
    const message = parse(text);
    if (message === undefined || message[0] === listener.origin) return;
    listener.onChanged(message[1], message[2] ?? undefined);
  });

  const heartbeat = setInterval(() => {
    if (!up) return;
    if (awaitingPong) {
      down();
      subscriber.disconnect(true);
      return;
    }
    awaitingPong = true;
    subscriber.ping().then(
      () => {
        awaitingPong = false;
      },
      () => {
        // Cut off; `close` follows.
      },
    );
  }, HEARTBEAT_MS);
  heartbeat.unref();

  subscriber.connect().catch(() => {
    // Retried by the client.
  });
  return () => {
    clearInterval(heartbeat);
    up = false;
    subscriber.disconnect();
  };
}
