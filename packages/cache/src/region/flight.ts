import { setTimeout as sleep } from 'node:timers/promises';
import { NotModifiedError, ReplicaLagError } from '../errors.ts';
import type { TierEntry } from '../tier.ts';
import { Hunt } from './hunt.ts';
import type { Keeper } from './keeper.ts';
import type { Levels, Tokens } from './levels.ts';
import type { Ends, Life } from './life.ts';
import { type Loader, notModified } from './loader.ts';

/** After a load failed and something stale was served instead, how long memory serves that without asking again. */
const ERROR_PAUSE_MS = 1000;
/** How often a replica that lags is asked again, and after which first pause; each is twice the one before. */
const MAX_LAGGED_LOADS = 8;
const FIRST_LAG_MS = 5;

/** What is counted of the flights of one region. */
export interface FlightCounts {
  refusedFillCount: number;
  staleServedCount: number;
  refreshCount: number;
  lagCount: number;
}

/** What the flights of one region share. */
export interface FlightParts<Id> {
  readonly levels: Levels;
  readonly loader: Loader<unknown, Id> | undefined;
  readonly life: Life;
  readonly keeper: Keeper;
  readonly counts: FlightCounts;
  /** With something stale at hand, how long to wait for the loader. */
  readonly softTimeoutMs: number | undefined;
  readonly ttlOf: ((value: unknown, id: Id) => number) | undefined;
  readonly versionOf: ((value: unknown) => number) | undefined;
  readonly stampOf: ((id: Id) => Promise<string>) | undefined;
  /** A value that is yet to be written to the database. */
  readonly pendingOf: ((key: string) => unknown) | undefined;
  /** Starts a flight in the background. */
  readonly refresh: (key: string, id: Id, previous: TierEntry) => void;
}

/** A read that missed memory, shared by all who ask for the key while it runs; or a refresh, which nobody waits for. */
export class Flight<Id> {
  /** The key changed since it began: its value is for those who already wait, and for nobody after. */
  stale = false;
  promise: Promise<unknown> | undefined = undefined;
  /** The read that begins when this one has ended, for those who may not join it. */
  follower: Promise<unknown> | undefined = undefined;
  /**
   * Past it nobody may join any more: what it found is then no longer fresh, although the levels are still being filled;
   * or it began too long ago for a process that cannot hear of changes.
   */
  joinableUntil: number;
  readonly #parts: FlightParts<Id>;
  readonly #key: string;
  readonly #id: Id;
  readonly #tokens: Tokens = [];
  #filling: Promise<void> | undefined;

  constructor(parts: FlightParts<Id>, key: string, id: Id) {
    this.#parts = parts;
    this.#key = key;
    this.#id = id;
    this.joinableUntil = parts.life.now() + parts.keeper.surroundings.memoryLimitMs;
  }

  /** `land` is called when nobody may join any more: after the levels are filled, so that no reader finds them empty. */
  start(
    previous: TierEntry | undefined,
    background: boolean,
    land: (flight: this) => void,
    freshBeyond: number = background ? (previous?.freshUntil ?? 0) : 0,
  ): Promise<unknown> {
    return (this.promise = this.#run(previous, background, land, freshBeyond));
  }

  async #run(
    previous: TierEntry | undefined,
    background: boolean,
    land: (flight: this) => void,
    freshBeyond: number,
  ): Promise<unknown> {
    const { life, levels, loader, stampOf, refresh, counts, keeper } = this.#parts;
    try {
      const stamp = stampOf === undefined ? undefined : await stampOf(this.#id);
      const hunt = new Hunt(life, stamp, previous, background, freshBeyond, this.#parts.softTimeoutMs);
      const entry = await levels.read(this.#key, this.#tokens, hunt);
      if (entry !== undefined) {
        if (hunt.accepts(entry)) {
          this.#store(entry);
          return entry.value;
        }
        counts.staleServedCount++;
        this.#release();
        if (!this.stale) {
          keeper.remember(this.#key, keeper.frozen(entry.value), entry);
          refresh(this.#key, this.#id, entry);
        }
        return entry.value;
      }
      const pending = this.#parts.pendingOf?.(this.#key);
      if (hunt.beaten || loader === undefined || pending !== undefined) {
        this.#release();
        return pending ?? (hunt.beaten ? hunt.previous?.value : undefined);
      }
      return await this.#loadOrStale(loader, hunt);
    } catch (error) {
      this.#release();
      throw error;
    } finally {
      if (this.#filling === undefined) land(this);
      else {
        void this.#filling.then(() => {
          land(this);
        });
      }
    }
  }

  async #loadOrStale(loader: Loader<unknown, Id>, hunt: Hunt): Promise<unknown> {
    const { life, keeper, counts, softTimeoutMs } = this.#parts;
    const { previous } = hunt;
    const usable = previous !== undefined && previous.freshUntil + life.onErrorMs > life.now();
    if (!usable) return this.#load(loader, hunt);
    const loading = this.#load(loader, hunt);
    try {
      if (softTimeoutMs === undefined || hunt.background) return await loading;
      return await Promise.race([loading, softTimeout(softTimeoutMs)]);
    } catch (error) {
      if (error === SOFT) {
        // Until the load is done, who asks joins this flight and has the stale value at once.
        this.#filling = keeper.track(
          loading.then(
            () => {},
            () => {
              // Counted by the loader; the lease is given back, or the next would wait for it.
              this.#release();
            },
          ),
        );
      } else {
        this.#release();
        if (hunt.background) throw error;
      }
      counts.staleServedCount++;
      if (!this.stale) this.#remember(previous, life.now() + (error === SOFT ? 0 : ERROR_PAUSE_MS));
      return previous.value;
    }
  }

  /** Something stale, which memory serves as it is until `pauseEnd`. */
  #remember(previous: TierEntry, pauseEnd: number): void {
    const { keeper } = this.#parts;
    const entry = keeper.remember(this.#key, previous.value, previous);
    if (entry !== undefined) entry.attentionAt = Math.min(pauseEnd, entry.expiresAt);
  }

  async #load(loader: Loader<unknown, Id>, hunt: Hunt): Promise<unknown> {
    const { life, ttlOf, versionOf, counts } = this.#parts;
    const { minVersion, unverified } = hunt;
    for (let lagged = 0; ; lagged++) {
      let value = await loader.load(this.#id, { previous: hunt.previous?.value, minVersion, unverified });
      if (value === notModified) {
        if (hunt.previous === undefined)
          throw new NotModifiedError('the loader answered notModified, and there is no previous value');
        value = hunt.previous.value;
      }
      const version = value === undefined ? undefined : versionOf?.(value);
      const lags = minVersion !== undefined && (version === undefined || version < minVersion);
      if (lags && value !== undefined) {
        counts.lagCount++;
        if (lagged === MAX_LAGGED_LOADS)
          throw new ReplicaLagError(
            `expected version ${minVersion} or a later one, got ${version} from ${lagged + 1} loads`,
          );
        await sleep(FIRST_LAG_MS * 2 ** lagged);
        continue;
      }
      const ttlMs = value === undefined ? undefined : ttlOf?.(value, this.#id);
      const ends = lags ? undefined : life.endsOfLoaded(value, ttlMs);
      if (ends === undefined) this.#release();
      else this.#store(entryOf(value, ends, version, hunt.stamp), unverified && versionOf !== undefined);
      return value;
    }
  }

  /** Keeps what was found: in memory at once, in the levels in the background. */
  #store(entry: TierEntry, unverified = false): void {
    const { keeper, levels, counts } = this.#parts;
    this.joinableUntil = Math.min(this.joinableUntil, entry.freshUntil);
    const value = keeper.frozen(entry.value);
    const remembered = this.stale ? undefined : keeper.remember(this.#key, value, entry, unverified);
    // A hit in the first level: nothing to fill, and the copy below is not free.
    if (this.#tokens.length === 0) return;
    const filling = levels.fillFrom({ ...entry, key: this.#key }, this.#tokens, () => this.stale);
    if (filling === undefined) return;
    this.#filling = keeper.track(
      filling.then((kept) => {
        if (kept) return;
        // Somebody changed the key during the load; their message may not be here yet.
        counts.refusedFillCount++;
        if (remembered !== undefined) keeper.memory!.retract(this.#key, remembered);
      }),
    );
  }

  /** In the background; whoever asks for the lease next does so after this, on the same connection. */
  #release(): void {
    const releasing = this.#parts.levels.release(this.#key, this.#tokens);
    if (releasing !== undefined) void this.#parts.keeper.track(releasing);
  }
}

const SOFT: unique symbol = Symbol('soft timeout');

async function softTimeout(ms: number): Promise<never> {
  await sleep(ms, undefined, { ref: false });
  throw SOFT as unknown;
}

/** Without the keys that are not known: most entries have neither version nor stamp. */
function entryOf(
  value: unknown,
  ends: Ends,
  version: number | undefined,
  stamp: string | undefined,
): TierEntry {
  const { freshUntil, expiresAt } = ends;
  if (version === undefined && stamp === undefined) return { value, freshUntil, expiresAt };
  return {
    value,
    freshUntil,
    expiresAt,
    ...(version === undefined ? {} : { version }),
    ...(stamp === undefined ? {} : { stamp }),
  };
}
