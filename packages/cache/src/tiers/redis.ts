import { randomBytes } from 'node:crypto';
import type { Redis } from 'ioredis';
import { checkTimerMs, checkTtlMs } from '../check.ts';
import type { Clock } from '../clock.ts';
import { type Codec, encodeValue, jsonCodec } from '../codec.ts';
import { ArgumentTypeError } from '../errors.ts';
import type {
  LeaseAnswer,
  RegionOptions,
  Tier,
  TierEntry,
  TierLease,
  TierListener,
  TierRegion,
  TierWrite,
} from '../tier.ts';
import { envelopeOf, isLease, leaseMarker, openEnvelope } from './envelope.ts';
import { type ChangeMessage, channelOf, subscribe } from './redis-bus.ts';
import { ACQUIRE, FILL, RELEASE, runScript } from './redis-scripts.ts';

/** Keys looked at, and keys deleted, by one command of `clear`. */
const CLEAR_BATCH = 500;

/** Options of {@link redisTier}. */
export interface RedisTierOptions {
  /**
   * An ioredis client, single or behind Sentinel. It stays yours to configure and to close; the tier opens one more
   * connection like it, to listen on.
   */
  readonly client: Redis;
  /** How long a read waits for Redis, in ms; 50 by default. One deadline for all reads of a turn of the event loop. */
  readonly deadlineMs?: number;
  /** Longest life of an entry in Redis, in ms; the definition's own by default. */
  readonly maxTtlMs?: number;
  /** JSON by default. */
  readonly codec?: Codec;
}

/** The tier made by {@link redisTier}. */
export class RedisTier implements Tier {
  readonly name: string = 'redis';
  readonly deadlineMs: number;
  readonly maxTtlMs?: number;
  readonly #client: Redis;
  readonly #codec: Codec;
  /** Entries that could not be read: written by something else, or by another codec. */
  corruptCount = 0;

  constructor(options: RedisTierOptions) {
    const client: unknown = options?.client;
    if (typeof client !== 'object' || client === null || typeof (client as Redis).mget !== 'function') {
      throw new ArgumentTypeError(`client: expected an ioredis client, got ${typeof client}`);
    }
    if ((client as { isCluster?: boolean }).isCluster === true) {
      throw new ArgumentTypeError('client: expected a single or Sentinel client, got a Cluster');
    }
    this.#client = options.client;
    this.#codec = options.codec ?? jsonCodec;
    this.deadlineMs = checkTimerMs('deadlineMs', options.deadlineMs ?? 50);
    if (options.maxTtlMs !== undefined) this.maxTtlMs = checkTtlMs('maxTtlMs', options.maxTtlMs);
  }

  open(region: RegionOptions): TierRegion {
    return new RedisRegion(this.#client, this.#codec, region, () => {
      this.corruptCount++;
    });
  }

  /** While the client waits to reconnect, a command would only wait with it. */
  available(): boolean {
    const { status } = this.#client;
    return status !== 'reconnecting' && status !== 'close' && status !== 'end';
  }

  subscribe(listener: TierListener): () => void {
    return subscribe(this.#client, listener);
  }
}

class RedisRegion implements TierRegion {
  readonly lease: TierLease;
  readonly #client: Redis;
  readonly #codec: Codec;
  readonly #prefix: string;
  readonly #clock: Clock;
  readonly #name: string;
  readonly #origin: string;
  readonly #channel: string;
  readonly #onCorrupt: () => void;
  /** No two leases of the world have the same token. */
  readonly #tokenPrefix: string = `${randomBytes(9).toString('base64url')}.`;
  #tokenCount = 0;

  constructor(client: Redis, codec: Codec, region: RegionOptions, onCorrupt: () => void) {
    this.#client = client;
    this.#codec = codec;
    this.#prefix = region.prefix;
    this.#clock = region.clock;
    this.#name = region.name;
    this.#origin = region.origin;
    this.#channel = channelOf(region.namespace);
    this.#onCorrupt = onCorrupt;
    this.lease = {
      acquire: (key, leaseMs) => this.#acquire(key, leaseMs),
      fill: (write, token) => this.#fill(write, token),
      release: async (key, token) => {
        await runScript(this.#client, RELEASE, this.#prefix + key, leaseMarker(token));
      },
    };
  }

  async getMany(keys: readonly string[]): Promise<readonly (TierEntry | undefined)[]> {
    if (keys.length === 0) return [];
    const raws = await this.#client.mget(keys.map((key) => this.#prefix + key));
    const now = this.#clock.now();
    return raws.map((raw) => (raw === null || isLease(raw) ? undefined : this.#open(raw, now)));
  }

  async setMany(writes: readonly TierWrite[]): Promise<void> {
    if (writes.length === 0) return;
    const encoded = writes.map((write) => this.#encode(write));
    const pipeline = this.#client.pipeline();
    for (let i = 0; i < writes.length; i++) {
      const key = this.#prefix + writes[i]!.key;
      const { text, px } = encoded[i]!;
      if (px === '') pipeline.set(key, text);
      else pipeline.set(key, text, 'PX', px);
    }
    this.#announce(pipeline, keysOf(writes));
    await succeed(pipeline);
  }

  async deleteMany(keys: readonly string[]): Promise<void> {
    if (keys.length === 0) return;
    const pipeline = this.#client.pipeline().del(keys.map((key) => this.#prefix + key));
    this.#announce(pipeline, keys);
    await succeed(pipeline);
  }

  async clear(): Promise<void> {
    const clientPrefix = this.#client.options.keyPrefix ?? '';
    const pattern = `${(clientPrefix + this.#prefix).replace(/[[\]*?\\^]/g, '\\$&')}*`;
    let cursor = '0';
    do {
      const [next, found] = await this.#client.scan(cursor, 'MATCH', pattern, 'COUNT', CLEAR_BATCH);
      // The client puts its own prefix before what it is given, and leaves it on what it finds.
      if (found.length > 0) await this.#client.unlink(found.map((key) => key.slice(clientPrefix.length)));
      cursor = next;
    } while (cursor !== '0');
    await this.#client.publish(this.#channel, this.#message(null));
  }

  async #acquire(key: string, leaseMs: number): Promise<LeaseAnswer> {
    const token = this.#tokenPrefix + (this.#tokenCount++).toString(36);
    const full = this.#prefix + key;
    const found = await runScript(this.#client, ACQUIRE, full, leaseMarker(token), Math.ceil(leaseMs));
    if (typeof found !== 'string') return { kind: 'granted', token };
    if (isLease(found)) return { kind: 'held' };
    const entry = this.#open(found, this.#clock.now());
    if (entry !== undefined) return { kind: 'hit', entry };
    // Unreadable, or expired by this machine's clock: to be replaced, whatever it is.
    await this.#client.set(full, leaseMarker(token), 'PX', Math.ceil(leaseMs));
    return { kind: 'granted', token };
  }

  async #fill(write: TierWrite, token: string): Promise<boolean> {
    const { text, px } = this.#encode(write);
    return (
      (await runScript(this.#client, FILL, this.#prefix + write.key, leaseMarker(token), text, px)) === 1
    );
  }

  #encode({ value, expiresAt }: TierWrite): { text: string; px: number | '' } {
    const text = value === undefined ? undefined : encodeValue(this.#codec, value);
    return {
      text: envelopeOf(text, expiresAt),
      px: expiresAt === Infinity ? '' : Math.max(1, Math.ceil(expiresAt - this.#clock.now())),
    };
  }

  /** @returns `undefined` for what has expired, or is none of ours, or does not decode. */
  #open(raw: string, now: number): TierEntry | undefined {
    const opened = openEnvelope(raw);
    if (opened === undefined) {
      this.#onCorrupt();
      return undefined;
    }
    const { text, expiresAt } = opened;
    if (expiresAt <= now) return undefined;
    if (text === undefined) return { value: undefined, expiresAt };
    try {
      return { value: this.#codec.decode(text), expiresAt };
    } catch {
      this.#onCorrupt();
      return undefined;
    }
  }

  #announce(pipeline: ReturnType<Redis['pipeline']>, keys: readonly string[]): void {
    pipeline.publish(this.#channel, this.#message(keys));
  }

  #message(keys: readonly string[] | null): string {
    const message: ChangeMessage = [this.#origin, this.#name, keys];
    return JSON.stringify(message);
  }
}

function keysOf(writes: readonly TierWrite[]): string[] {
  return writes.map((write) => write.key);
}

/** A pipeline resolves even when its commands fail. */
async function succeed(pipeline: ReturnType<Redis['pipeline']>): Promise<void> {
  for (const [error] of (await pipeline.exec()) ?? []) if (error !== null) throw error;
}

/**
 * The level that processes share, in Redis 6.2 or later or Valkey: MGET for reads, a lease on a miss, and a message to
 * the other processes with every write and deletion.
 *
 * @throws {ArgumentTypeError | ArgumentRangeError} when an option is of the wrong type or out of range.
 * @example
 * ```ts
 * const cache = createCache({ tiers: [memoryTier(), redisTier({ client: new Redis() })] });
 * ```
 */
export function redisTier(options: RedisTierOptions): RedisTier {
  return new RedisTier(options);
}
