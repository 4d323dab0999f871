import { randomBytes } from 'node:crypto';
import type { Cluster, Redis } from 'ioredis';
import { checkTimerMs, checkTtlMs } from '../check.ts';
import type { Clock } from '../clock.ts';
import { checkCodec, type Codec, decodeValue, encodeValue, jsonCodec } from '../codec.ts';
import { ArgumentTypeError } from '../errors.ts';
import type {
  LeaseAnswer,
  RegionOptions,
  Tier,
  TierEntry,
  TierLease,
  TierListener,
  TierRegion,
  TierSubscription,
  TierUndecoded,
  TierVersions,
  TierWrite,
} from '../tier.ts';
import { envelopeOf, openEnvelope, tombstoneOf, versionOfHead } from './envelope.ts';
import { HASHED } from '../key.ts';
import { type Keyspace, keyspaceOf } from './redis-keyspace.ts';
import { subscribe } from './redis-bus.ts';
import { channelOf, failureChannelOf, type FailureMessage, textOf } from './redis-messages.ts';
import {
  ACQUIRE,
  acquireFree,
  FAIL,
  FILL,
  loneLeaseToken,
  RELEASE,
  runScript,
  type Script,
  SET_VERSION,
} from './redis-scripts.ts';
import { promiseOf } from '../promise.ts';

/** How long those who wait can find out why a load failed, in ms; they look at least every 40. */
const FAILURE_MS = 1000;

/** Options of {@link redisTier}. */
export interface RedisTierOptions {
  /**
   * An ioredis client: single, behind Sentinel, or a Cluster. It stays yours to configure and to close; the tier opens one more
   * connection like it, to listen on.
   */
  readonly client: Redis | Cluster;
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
  readonly plain: boolean;
  readonly #client: Redis | Cluster;
  readonly #codec: Codec;
  /** Entries that could not be read: written by something else, or by another codec. */
  corruptCount = 0;

  constructor(options: RedisTierOptions) {
    const client: unknown = options?.client;
    if (typeof client !== 'object' || client === null || typeof (client as Redis).mget !== 'function') {
      throw new ArgumentTypeError(`client: expected an ioredis client, got ${typeof client}`);
    }
    this.#client = options.client;
    this.#codec = checkCodec(options.codec ?? jsonCodec);
    this.plain = this.#codec === jsonCodec;
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

  subscribe(listener: TierListener): TierSubscription {
    return subscribe(this.#client, listener);
  }
}

class RedisRegion implements TierRegion {
  readonly lease: TierLease;
  readonly undecoded: TierUndecoded;
  readonly versions: TierVersions;
  readonly #client: Redis | Cluster;
  readonly #codec: Codec;
  readonly #keyspace: Keyspace;
  readonly #prefix: string;
  readonly #clock: Clock;
  readonly #name: string;
  readonly #origin: string;
  readonly #namespace: string;
  readonly #channel: string;
  readonly #onCorrupt: () => void;
  /** No two leases of the world have the same token. */
  readonly #tokenPrefix: string = `${randomBytes(9).toString('base64url')}.`;
  #tokenCount = 0;

  constructor(client: Redis | Cluster, codec: Codec, region: RegionOptions, onCorrupt: () => void) {
    this.#client = client;
    this.#keyspace = keyspaceOf(client);
    this.#codec = codec;
    this.#prefix = region.prefix;
    this.#clock = region.clock;
    this.#name = region.name;
    this.#origin = region.origin;
    this.#namespace = region.namespace;
    this.#channel = channelOf(region.namespace);
    this.#onCorrupt = onCorrupt;
    this.lease = {
      acquire: (key, leaseMs, freshBeyond, hasWaited) =>
        this.#acquire(key, leaseMs, freshBeyond, hasWaited === true),
      ...(readsFromMaster(client)
        ? { readOrAcquire: (key: string, leaseMs: number) => this.#readOrAcquire(key, leaseMs) }
        : {}),
      fill: (write, token) => promiseOf(() => this.#fill(write, token)),
      release: (key, token) => runScript(this.#client, RELEASE, this.#prefix + key, [token], () => {}),
      fail: (key, token, failure) => this.#fail(key, token, failure),
    };
    this.undecoded = {
      getMany: (keys) => this.#fetch(keys),
      open: (held) => this.#openFound(held as string | null),
    };
    this.versions = {
      set: (write, version) =>
        promiseOf(() => {
          const { text, px } = this.#encode({ ...write, version });
          return this.#setVersion(write.key, text, px, version);
        }),
      bury: (key, version, expiresAt) =>
        this.#setVersion(key, tombstoneOf(version, expiresAt), this.#px(expiresAt), version),
    };
  }

  getMany(keys: readonly string[]): Promise<readonly (TierEntry | undefined)[]> {
    return this.#fetch(keys).then((raws) => raws.map((raw) => this.#openFound(raw)));
  }

  #fetch(keys: readonly string[]): Promise<readonly (string | null)[]> {
    // Most reads are alone.
    if (keys.length === 1) return this.#keyspace.get(this.#prefix + keys[0]!).then((raw) => [raw]);
    if (keys.length === 0) return Promise.resolve([]);
    return this.#keyspace.mget(keys.map((key) => this.#prefix + key));
  }

  async setMany(writes: readonly TierWrite[]): Promise<void> {
    if (writes.length === 0) return;
    const sets = writes.map((write) => {
      const { text, px } = this.#encode(write);
      return { key: this.#prefix + write.key, text, px };
    });
    await this.#keyspace.set(sets, this.#channel, this.#message(writes.map((write) => write.key)));
  }

  async deleteMany(keys: readonly string[]): Promise<void> {
    if (keys.length === 0) return;
    await this.#keyspace.delete(
      keys.map((key) => this.#prefix + key),
      this.#channel,
      this.#message(keys),
    );
  }

  async clear(prefix: string = ''): Promise<void> {
    await this.#keyspace.deletePrefix(this.#prefix + prefix);
    // Keys that are stored hashed do not show what they begin with.
    if (prefix !== '') await this.#keyspace.deletePrefix(this.#prefix + HASHED);
    await this.#client.publish(this.#channel, this.#message(null));
  }

  async announce(keys: readonly string[], version?: number): Promise<void> {
    await this.#client.publish(this.#channel, this.#message(keys, version));
  }

  #readOrAcquire(key: string, leaseMs: number): Promise<LeaseAnswer> {
    const token = this.#newToken();
    const full = this.#prefix + key;
    joinWrites(this.#client);
    return acquireFree<LeaseAnswer>(this.#client, full, token, Math.ceil(leaseMs), (found) => {
      if (found === null) return { kind: 'granted', token };
      // A full server still reads.
      if (found === undefined)
        return this.#keyspace.get(full).then((raw) => this.#openOrAcquire(full, token, leaseMs, raw));
      return this.#openOrAcquire(full, token, leaseMs, found);
    });
  }

  #openOrAcquire(
    full: string,
    token: string,
    leaseMs: number,
    raw: string | null,
  ): LeaseAnswer | Promise<LeaseAnswer> {
    const holder = raw === null ? undefined : loneLeaseToken(raw);
    if (holder !== undefined) return { kind: 'held', token: holder };
    const entry = this.#openFound(raw);
    return entry === undefined
      ? this.#acquireOver(full, token, leaseMs, undefined, false)
      : { kind: 'hit', entry };
  }

  #acquire(
    key: string,
    leaseMs: number,
    freshBeyond: number | undefined,
    hasWaited: boolean,
  ): Promise<LeaseAnswer> {
    const token = this.#newToken();
    const full = this.#prefix + key;
    joinWrites(this.#client);
    return acquireFree<LeaseAnswer>(this.#client, full, token, Math.ceil(leaseMs), (found) => {
      if (found === null) return { kind: 'granted', token };
      const holder = found === undefined ? undefined : loneLeaseToken(found);
      if (holder !== undefined) return { kind: 'held', token: holder };
      return this.#acquireOver(full, token, leaseMs, freshBeyond, hasWaited);
    });
  }

  /** Where something is, or the server says no more. */
  async #acquireOver(
    full: string,
    token: string,
    leaseMs: number,
    freshBeyond: number | undefined,
    hasWaited: boolean,
  ): Promise<LeaseAnswer> {
    const ms = Math.ceil(leaseMs);
    const threshold =
      freshBeyond === undefined ? '' : freshBeyond === Infinity ? 'all' : Math.floor(freshBeyond);
    const args = [token, ms, threshold, hasWaited ? '1' : ''];
    const found = await runScript(this.#client, ACQUIRE, full, args, String);
    if (found.startsWith('L')) return { kind: 'held', token: found.slice(1) };
    if (found.startsWith('F')) return { kind: 'failed', failure: found.slice(1) };
    if (found.startsWith('G')) return granted(token, versionOfHead(found));
    const entry = this.#open(found, this.#clock.now());
    if (entry !== undefined) return { kind: 'hit', entry };
    // Unreadable, or expired by this machine's clock: to be replaced, whatever it is.
    const taken = await runScript(this.#client, ACQUIRE, full, [token, ms, 'all', ''], String);
    return taken.startsWith('G') ? granted(token, versionOfHead(taken)) : { kind: 'held' };
  }

  #newToken(): string {
    return this.#tokenPrefix + (this.#tokenCount++).toString(36);
  }

  #fill(write: TierWrite, token: string): Promise<boolean> {
    const { text, px } = this.#encode(write);
    joinWrites(this.#client);
    return this.#run(FILL, this.#prefix + write.key, [token, text, px, write.version ?? '']);
  }

  #fail(key: string, token: string, failure: string): Promise<void> {
    const message: FailureMessage = [this.#name, token, failure];
    const publish = [failureChannelOf(this.#namespace), JSON.stringify(message)] as const;
    const args = [token, failure, FAILURE_MS, ...publish];
    return runScript(this.#client, FAIL, this.#prefix + key, args, () => {});
  }

  #setVersion(key: string, text: string, px: number | '', version: number): Promise<boolean> {
    return this.#run(SET_VERSION, this.#prefix + key, [text, px, version]);
  }

  /** A script that says 1 when it did. */
  #run(script: Script, full: string, args: readonly (string | number)[]): Promise<boolean> {
    return runScript(this.#client, script, full, args, (reply) => reply === 1);
  }

  #encode(write: TierWrite): { text: string; px: number | '' } {
    const text = write.value === undefined ? undefined : encodeValue(this.#codec, write.value);
    return { text: envelopeOf(text, write), px: this.#px(write.expiresAt) };
  }

  #px(expiresAt: number): number | '' {
    return expiresAt === Infinity ? '' : Math.max(1, Math.ceil(expiresAt - this.#clock.now()));
  }

  #openFound(raw: string | null): TierEntry | undefined {
    return raw === null ? undefined : this.#open(raw, this.#clock.now());
  }

  /** @returns `undefined` for a lease, and for what has expired, or is none of ours, or does not decode. */
  #open(raw: string, now: number): TierEntry | undefined {
    const opened = openEnvelope(raw);
    if (opened === undefined) this.#onCorrupt();
    if (opened === undefined || opened === null || opened.expiresAt <= now) return undefined;
    if (opened.value === undefined) return opened;
    try {
      opened.value = decodeValue(this.#codec, opened.value as string);
    } catch {
      this.#onCorrupt();
      return undefined;
    }
    return opened;
  }

  #message(keys: readonly string[] | null, version?: number): string {
    return textOf([this.#origin, this.#name, keys, undefined, version]);
  }
}

/** Where reads go to replicas, a lease is no read: it would take them all to the master. */
function readsFromMaster(client: Redis | Cluster): boolean {
  return !client.isCluster || ((client as Cluster).options.scaleReads ?? 'master') === 'master';
}

/**
 * Commands from here to the end of the tick leave in one write, as one packet: each write is a call of the system, which takes
 * as long as all else about a command. For what the cache asks for at the end of a turn, when no function of the user's can
 * come in between and hold it up.
 */
function joinWrites(client: Redis | Cluster): void {
  const stream = (client as Partial<Redis>).stream;
  if (client.isCluster || stream?.writable !== true) return;
  stream.cork();
  process.nextTick(uncork, stream);
}

function uncork(stream: Redis['stream']): void {
  stream.uncork();
}

function granted(token: string, minVersion: number | undefined): LeaseAnswer {
  return minVersion === undefined ? { kind: 'granted', token } : { kind: 'granted', token, minVersion };
}

/**
 * The level that processes share, in Redis 6.2 or later or Valkey: MGET for reads of several keys, a lease on a miss, and a message to
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
