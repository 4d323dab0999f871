import type { Cluster, Redis } from 'ioredis';
import type { TierListener, TierSubscription } from '../tier.ts';
import { Confirmations } from './redis-confirmations.ts';
import { listen } from './redis-listener.ts';
import { channelOf, failureChannelOf, parseFailure, parseMessage } from './redis-messages.ts';

/** How often a subscriber asks its server for a sign of life, in ms; the next one notices that none came. */
const HEARTBEAT_MS = 1000;
/** No answer for so long is a cut: a little less than a beat, whose timer may be early. */
const SILENCE_MS = 900;
/** So that one that is late costs nobody its lease. */
const BEATS_A_LEASE = 5;

/**
 * Listens on a connection of its own, because one that subscribes can do nothing else.
 *
 * A connection that was lost is made anew for ever, and its silence is noticed by a heartbeat: a half-open one would
 * otherwise look healthy for minutes.
 */
export function subscribe(client: Redis | Cluster, listener: TierListener): TierSubscription {
  const channel = channelOf(listener.namespace);
  const failureChannel = failureChannelOf(listener.namespace);
  const confirmations = new Confirmations(client, listener);
  const { leaseMs } = listener;
  let subscriber: Redis | undefined;
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
    await subscriber?.ping();
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

  const attach = (made: Redis): void => {
    subscriber = made;
    made.on('close', down);
    made.on('end', down);
    made.on('ready', () => {
      made.subscribe(channel, failureChannel, confirmations.channel).then(
        () => {
          up = true;
          listener.onUp();
          if (leaseMs !== undefined) tryBeat();
        },
        () => {
          // Not allowed to, or cut off again.
          made.disconnect(true);
        },
      );
    });
    made.on('message', (from: string, text: string) => {
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
  };

  const heartbeat = setInterval(
    () => {
      if (!up) return;
      if (!awaitingPong) {
        tryBeat();
      } else if (performance.now() - askedAt >= SILENCE_MS) {
        down();
        subscriber?.disconnect(true);
      }
    },
    leaseMs === undefined ? HEARTBEAT_MS : Math.min(HEARTBEAT_MS, leaseMs / BEATS_A_LEASE),
  );
  heartbeat.unref();

  const end = listen(client, attach);
  return {
    close: () => {
      clearInterval(heartbeat);
      up = false;
      end();
      if (leaseMs !== undefined) confirmations.leave();
    },
    confirm: (region, keys, version) => confirmations.confirm(region, keys ?? null, version),
  };
}
