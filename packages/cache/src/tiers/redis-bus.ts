import type { Cluster, Redis, RedisOptions } from 'ioredis';
import type { TierListener, TierSubscription } from '../tier.ts';
import { Confirmations } from './redis-confirmations.ts';
import { channelOf, failureChannelOf, parseFailure, parseMessage } from './redis-messages.ts';

/** How often a subscriber asks its server for a sign of life, in ms; the next one notices that none came. */
const HEARTBEAT_MS = 1000;
const LAST_RECONNECT_MS = 1000;
/** No answer for so long is a cut: a little less than a beat, whose timer may be early. */
const SILENCE_MS = 900;
/** So that one that is late costs nobody its lease. */
const BEATS_A_LEASE = 5;

const SUBSCRIBER: Partial<RedisOptions> = {
  lazyConnect: true,
  enableOfflineQueue: true,
  maxRetriesPerRequest: null,
  // Ours, so that `onUp` comes after it and not before.
  autoResubscribe: false,
  autoResendUnfulfilledCommands: false,
  retryStrategy: (times) => Math.min(50 * times, LAST_RECONNECT_MS),
};

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
 * Listens on a connection of its own, because one that subscribes can do nothing else.
 *
 * A connection that was lost is made anew for ever, and its silence is noticed by a heartbeat: a half-open one would
 * otherwise look healthy for minutes.
 */
export function subscribe(client: Redis | Cluster, listener: TierListener): TierSubscription {
  const subscriber = listenerLike(client);
  const channel = channelOf(listener.namespace);
  const failureChannel = failureChannelOf(listener.namespace);
  const confirmations = new Confirmations(client, listener);
  const { leaseMs } = listener;
  let up = false;
  let awaitingPong = false;
  let askedAt = 0;

  const down = (): void => {
    awaitingPong = false;
    if (!up) return;
    up = false;
    listener.onDown();
  };

  const beat = async (): Promise<void> => {
    const at = performance.now();
    awaitingPong = true;
    askedAt = at;
    await subscriber.ping();
    awaitingPong = false;
    // All that was sent before the ping was answered is here. Who waits for confirmations has to know of us first.
    if (leaseMs === undefined || client.status !== 'ready') return;
    await confirmations.register(leaseMs);
    if (up) listener.onHeard(at);
  };

  const tryBeat = (): void => {
    beat().catch(() => {
      // Cut off; `close` follows, or the next beat.
    });
  };

  subscriber.on('error', () => {
    // The `close` that follows is what counts.
  });
  subscriber.on('close', down);
  subscriber.on('end', down);
  subscriber.on('ready', () => {
    subscriber.subscribe(channel, failureChannel, confirmations.channel).then(
      () => {
        up = true;
        listener.onUp();
        if (leaseMs !== undefined) tryBeat();
      },
      () => {
        // Not allowed to, or cut off again.
        subscriber.disconnect(true);
      },
    );
  });
  subscriber.on('message', (from: string, text: string) => {
    if (from === confirmations.channel) {
      confirmations.acknowledged(text);
      return;
    }
    if (from === failureChannel) {
      const failed = parseFailure(text);
      if (failed !== undefined) listener.onFailed?.(...failed);
      return;
    }
    const message = parseMessage(text);
    if (message === undefined || message[0] === listener.origin) return;
    const [origin, region, keys, confirmation = null, version] = message;
    listener.onChanged(region, keys ?? undefined, version);
    if (confirmation !== null) confirmations.acknowledge(origin, confirmation);
  });

  const heartbeat = setInterval(
    () => {
      if (!up) return;
      if (!awaitingPong) {
        tryBeat();
      } else if (performance.now() - askedAt >= SILENCE_MS) {
        down();
        subscriber.disconnect(true);
      }
    },
    leaseMs === undefined ? HEARTBEAT_MS : Math.min(HEARTBEAT_MS, leaseMs / BEATS_A_LEASE),
  );
  heartbeat.unref();

  subscriber.connect().catch(() => {
    // Retried by the client.
  });
  return {
    close: () => {
      clearInterval(heartbeat);
      up = false;
      subscriber.disconnect();
      if (leaseMs !== undefined) confirmations.leave();
    },
    confirm: (region, keys, version) => confirmations.confirm(region, keys ?? null, version),
  };
}
