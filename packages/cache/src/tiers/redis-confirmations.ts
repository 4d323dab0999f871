import type { Cluster, Redis } from 'ioredis';
import type { TierListener } from '../tier.ts';
import { LISTEN, LISTENERS, runScript } from './redis-scripts.ts';
import { channelOf, type ChangeMessage, textOf } from './redis-messages.ts';

/** One wait for the others. */
interface Round {
  readonly acknowledged: Set<string>;
  /** Once they are known. */
  listeners: readonly string[] | undefined;
  readonly resolve: () => void;
}

/**
 * Waits until every process that listens has acknowledged a change, or serves memory no more.
 *
 *     A: DEL, PUBLISH ─▶ PUBLISH with an id ─▶ who listens? ─▶ wait for the answer of each, a whole lease at most
 *     B: PING ─▶ pong ─▶ ZADD alive (now + lease) ─▶ serves memory until the PING + 0.9 lease
 *
 * It holds because B's end counts from a PING that was answered on the connection of its messages: had the PING been after
 * A's PUBLISH, B would have had the message before the pong. So a whole lease after it nobody serves what was before it,
 * acknowledged or not. The list only says when the wait can end early; without it, or without Redis, it does not.
 */
export class Confirmations {
  /** Where acknowledgements for this process arrive. */
  readonly channel: string;
  readonly #client: Redis | Cluster;
  readonly #listener: TierListener;
  readonly #alive: string;
  readonly #rounds = new Map<string, Round>();
  #count = 0;

  constructor(client: Redis | Cluster, listener: TierListener) {
    this.#client = client;
    this.#listener = listener;
    this.channel = ackChannelOf(listener.namespace, listener.origin);
    this.#alive = `${listener.namespace}:alive`;
  }

  async register(leaseMs: number): Promise<void> {
    await runScript(this.#client, LISTEN, this.#alive, [this.#listener.origin, leaseMs], ignore);
  }

  /** Nobody has to wait for this process any more. */
  leave(): void {
    this.#client.zrem(this.#alive, this.#listener.origin).catch(() => {
      // It lapses.
    });
  }

  acknowledge(origin: string, id: string): void {
    const { namespace } = this.#listener;
    this.#client.publish(ackChannelOf(namespace, origin), `${id} ${this.#listener.origin}`).catch(() => {
      // The other one waits for the end of our lease.
    });
  }

  acknowledged(text: string): void {
    const [id = '', origin = ''] = text.split(' ');
    const round = this.#rounds.get(id);
    if (round === undefined) return;
    round.acknowledged.add(origin);
    check(round);
  }

  async confirm(region: string, keys: readonly string[] | null, version: number | undefined): Promise<void> {
    const id = (this.#count++).toString(36);
    const { origin, leaseMs } = this.#listener;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      timer = setTimeout(resolve, leaseMs);
      const round: Round = { acknowledged: new Set([origin]), listeners: undefined, resolve };
      this.#rounds.set(id, round);
      this.#ask([origin, region, keys, id, version], round).catch(() => {
        // Then the whole lease is waited for.
      });
    });
    clearTimeout(timer);
    this.#rounds.delete(id);
  }

  async #ask(message: ChangeMessage, round: Round): Promise<void> {
    await this.#client.publish(channelOf(this.#listener.namespace), textOf(message));
    // After the message: who registers later has forgotten everything later.
    const found = await runScript(this.#client, LISTENERS, this.#alive, [], (reply) => reply as string[]);
    // A list without this process was lost, and who else was on it is not known.
    if (!found.includes(this.#listener.origin)) return;
    round.listeners = found;
    check(round);
  }
}

function check({ listeners, acknowledged, resolve }: Round): void {
  if (listeners?.every((origin) => acknowledged.has(origin)) === true) resolve();
}

function ignore(): void {}

function ackChannelOf(namespace: string, origin: string): string {
  return `${namespace}:ack:${origin}`;
}
