import { checkTtlMs, checkVersion } from '../check.ts';
import { NotModifiedError, ReplicaLagError } from '../errors.ts';
import type { TierEntry, TierWrite } from '../tier.ts';
import { failureOf } from './failure.ts';
import { Hunt, type Hunter } from './hunt.ts';
import type { Keeper } from './keeper.ts';
import type { Tokens } from './fills.ts';
import type { Levels } from './levels.ts';
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
export class Flight<Id> implements Hunter {
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
  #land!: (flight: this) => void;
  #resolve!: (value: unknown) => void;
  #reject!: (reason: unknown) => void;
  /** Its answer and what is still done with it; nobody may join any more when that is nothing. */
  #openCount = 1;
  /** What the loader threw, here or elsewhere. */
  #failure: unknown = undefined;

  constructor(parts: FlightParts<Id>, key: string, id: Id) {
    this.#parts = parts;
    this.#key = key;
    this.#id = id;
    const { memoryLimitMs } = parts.keeper.surroundings;
    this.joinableUntil = memoryLimitMs === Infinity ? Infinity : parts.life.now() + memoryLimitMs;
  }

  get key(): string {
    return this.#key;
  }

  /** `land` is called when nobody may join any more: after the levels are filled, so that no reader finds them empty. */
  start(
    previous: TierEntry | undefined,
    background: boolean,
    land: (flight: this) => void,
    freshBeyond: number = background ? this.#due(previous) : 0,
  ): Promise<unknown> {
    this.#land = land;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    const { stampOf } = this.#parts;
    if (stampOf === undefined) this.#read(undefined, previous, background, freshBeyond);
    else {
      stampOf(this.#id).then(
        (stamp) => {
          this.#read(stamp, previous, background, freshBeyond);
        },
        (error: unknown) => {
          this.#fail(error);
        },
      );
    }
    return this.promise;
  }

  /** What a refresh has no use for: what it has, and what is to be loaded ahead itself. */
  #due(previous: TierEntry | undefined): number {
    if (previous === undefined) return 0;
    const { life } = this.#parts;
    return previous.value === undefined
      ? previous.freshUntil
      : Math.max(previous.freshUntil, life.now() + life.leadMs);
  }

  #read(
    stamp: string | undefined,
    previous: TierEntry | undefined,
    background: boolean,
    freshBeyond: number,
  ): void {
    const parts = this.#parts;
    parts.levels.read(
      new Hunt(parts, this, this.#key, this.#tokens, stamp, previous, background, freshBeyond),
    );
  }

  /** @internal */
  found(hunt: Hunt, entry: TierEntry | undefined): void {
    try {
      if (entry === undefined) this.#missed(hunt);
      else if (hunt.accepts(entry)) this.#succeed(this.#store(entry));
      else this.#serveStale(entry);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** @internal */
  outdated(): void {
    this.#parts.keeper.memory?.drop([this.#key]);
  }

  #serveStale(entry: TierEntry): void {
    const { keeper, counts, refresh } = this.#parts;
    counts.staleServedCount++;
    this.#release();
    if (!this.stale) {
      keeper.remember(this.#key, entry.value, entry);
      refresh(this.#key, this.#id, entry);
    }
    this.#succeed(entry.value);
  }

  #missed(hunt: Hunt): void {
    const { life, loader, pendingOf } = this.#parts;
    const pending = pendingOf?.(this.#key);
    if (hunt.beaten || loader === undefined || pending !== undefined) {
      this.#release();
      this.#succeed(pending ?? (hunt.beaten ? hunt.previous?.value : undefined));
      return;
    }
    const { previous } = hunt;
    if (previous !== undefined && previous.freshUntil + life.onErrorMs > life.now()) {
      this.#loadOrStale(loader, hunt);
      return;
    }
    this.#load(
      loader,
      hunt,
      (value) => {
        this.#succeed(value);
      },
      (error) => {
        this.#failure = error;
        this.#fail(error);
      },
    );
  }

  #succeed(value: unknown): void {
    this.#close();
    this.#resolve(value);
  }

  #fail(error: unknown): void {
    this.#release();
    this.#close();
    this.#reject(error);
  }

  /** The answer, or one thing that is done with it, is through. */
  #close(): void {
    if (--this.#openCount === 0) this.#land(this);
  }

  /** As {@link close}, of something that nobody waits for but the cache's end. */
  #closeBehind(): void {
    this.#parts.keeper.end();
    this.#close();
  }

  /** With something stale at hand, which is served when the load fails, or takes longer than the soft timeout. */
  #loadOrStale(loader: Loader<unknown, Id>, hunt: Hunt): void {
    const { life, keeper, levels, counts, softTimeoutMs } = this.#parts;
    let timer: NodeJS.Timeout | undefined;
    let served = false;
    /** What may still be served: a newer version may have become known meanwhile. */
    const atHand = (): TierEntry | undefined => {
      levels.remind(hunt);
      return hunt.previous;
    };
    const serve = (previous: TierEntry, pauseEnd: number): void => {
      counts.staleServedCount++;
      if (!this.stale) this.#remember(previous, pauseEnd);
      this.#succeed(previous.value);
    };
    if (softTimeoutMs !== undefined && !hunt.background) {
      timer = setTimeout(() => {
        const previous = atHand();
        if (previous === undefined) return;
        served = true;
        // Until the load is done, who asks joins this flight and has the stale value at once.
        this.#openCount++;
        keeper.begin();
        serve(previous, life.now());
      }, softTimeoutMs);
      timer.unref();
    }
    this.#load(
      loader,
      hunt,
      (value) => {
        clearTimeout(timer);
        if (served) this.#closeBehind();
        else this.#succeed(value);
      },
      (error) => {
        this.#failure = error;
        clearTimeout(timer);
        const previous = served || hunt.background ? undefined : atHand();
        if (!served && previous === undefined) {
          this.#fail(error);
          return;
        }
        // Counted by the loader; the lease is given back, or the next would wait for it.
        this.#release();
        if (previous === undefined) this.#closeBehind();
        else serve(previous, life.now() + ERROR_PAUSE_MS);
      },
    );
  }

  /** Something stale, which memory serves as it is until `pauseEnd`. */
  #remember(previous: TierEntry, pauseEnd: number): void {
    const { keeper } = this.#parts;
    const entry = keeper.remember(this.#key, previous.value, previous);
    if (entry !== undefined) keeper.memory!.attend(entry, Math.min(pauseEnd, entry.expiresAt));
  }

  #load(
    loader: Loader<unknown, Id>,
    hunt: Hunt,
    resolve: (value: unknown) => void,
    reject: (reason: unknown) => void,
    lagged: number = 0,
  ): void {
    if (hunt.failure !== undefined) {
      reject(hunt.failure);
      return;
    }
    // The hunt's may be known to be outdated by the time the loader says that it has not changed.
    let { previous } = hunt;
    let lent: unknown;
    try {
      lent = this.#parts.keeper.lent(previous?.value);
    } catch {
      // Of a tier that says that its values are plain, and has another.
      previous = undefined;
    }
    loader.load(
      this.#id,
      { previous: lent, minVersion: hunt.minVersion, unverified: hunt.unverified },
      (loaded) => {
        let value: unknown;
        try {
          value = loaded === notModified ? previousValue(previous) : loaded;
          if (this.#lags(value, hunt, lagged)) {
            setTimeout(
              () => {
                this.#load(loader, hunt, resolve, reject, lagged + 1);
              },
              FIRST_LAG_MS * 2 ** lagged,
            );
            return;
          }
          this.#keep(value, hunt);
        } catch (error) {
          reject(error);
          return;
        }
        resolve(value);
      },
      reject,
    );
  }

  /** @returns whether it is to be loaded once more, for want of a newer version. */
  #lags(value: unknown, { minVersion }: Hunt, lagged: number): boolean {
    if (minVersion === undefined || value === undefined) return false;
    const { versionOf } = this.#parts;
    const version = versionOf === undefined ? undefined : checkVersion(versionOf(value));
    if (version !== undefined && version >= minVersion) return false;
    this.#parts.counts.lagCount++;
    if (lagged < MAX_LAGGED_LOADS) return true;
    throw new ReplicaLagError(
      `expected version ${minVersion} or a later one, got ${version} from ${lagged + 1} loads`,
    );
  }

  /** What was loaded and does not lag. */
  #keep(value: unknown, { minVersion, stamp, unverified }: Hunt): void {
    const { life, ttlOf, versionOf } = this.#parts;
    const version =
      value === undefined || versionOf === undefined ? undefined : checkVersion(versionOf(value));
    const ttlMs = value === undefined || ttlOf === undefined ? undefined : lifeOf(ttlOf(value, this.#id));
    // That there is none may be the word of a replica that lags.
    const isKept = minVersion === undefined || value !== undefined;
    const ends = isKept ? life.endsOfLoaded(value, ttlMs) : undefined;
    // Also what is not kept: all who wait for it share it.
    const owned = this.#parts.keeper.owned(value);
    if (ends === undefined) this.#release();
    else this.#store(entryOf(owned, ends, version, stamp), unverified && versionOf !== undefined);
  }

  /** Keeps what was found: in memory at once, in the levels in the background. @returns the value. */
  #store(entry: TierEntry, unverified = false): unknown {
    const { keeper, levels, counts } = this.#parts;
    this.joinableUntil = Math.min(this.joinableUntil, entry.freshUntil);
    const value = keeper.frozen(entry.value);
    const remembered = this.stale ? undefined : keeper.remember(this.#key, value, entry, unverified);
    // A hit in the first level: nothing to fill, and the copy below is not free.
    if (this.#tokens.length === 0) return value;
    this.#openCount++;
    keeper.begin();
    const isStale = (): boolean => this.stale;
    levels.fills.fill(writeOf(this.#key, entry), this.#tokens, isStale, (kept) => {
      if (!kept) {
        // Somebody changed the key during the load; their message may not be here yet.
        counts.refusedFillCount++;
        if (remembered !== undefined) keeper.memory!.retract(this.#key, remembered);
      }
      this.#closeBehind();
    });
    return value;
  }

  /** In the background; whoever asks for the lease next does so after this, on the same connection. */
  #release(): void {
    const failure = this.#failure === undefined ? undefined : failureOf(this.#failure);
    const releasing = this.#parts.levels.release(this.#key, this.#tokens, failure);
    if (releasing !== undefined) void this.#parts.keeper.track(releasing);
  }
}

/** What `ttlMs` told from a value: 0 and less is not to be kept. @throws when it is no length of time. */
function lifeOf(told: unknown): number {
  return typeof told === 'number' && told <= 0 ? 0 : checkTtlMs('ttlMs', told);
}

function previousValue(previous: TierEntry | undefined): unknown {
  if (previous === undefined)
    throw new NotModifiedError('the loader answered notModified, and there is no previous value');
  return previous.value;
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

/** Spelled out, because a spread takes as long as the rest of a fill. */
function writeOf(key: string, entry: TierEntry): TierWrite {
  const { value, freshUntil, expiresAt, version, stamp } = entry;
  if (version === undefined && stamp === undefined) return { key, value, freshUntil, expiresAt };
  return { ...entry, key };
}
