import { afterTurn, promiseOf } from '../promise.ts';
import type { LeaseAnswer, TierEntry, TierLease, TierRegion, TierWrite } from '../tier.ts';
import { type Asker, type TierGuard, UNAVAILABLE, type Unavailable } from './guard.ts';

/** Keys of one `getMany`; a reply of more than this would hold up everybody else's. */
const MAX_BATCH = 512;
/** Entries of one write or deletion, each with a deadline of its own: a thousand take longer than one read may wait. */
const MAX_WRITES = 256;
/**
 * For how long an answer is decoded before those who got theirs go on, in ms. What they ask for next is then on its way while
 * the rest is decoded: at fifty reads in flight, of 200 bytes, the client no longer waits for the server a quarter of its time.
 */
const SLICE_MS = 0.1;
/** A region is cleared key by key, which takes longer than a read may wait, and may take longer than this. */
const CLEAR_DEADLINE_MS = 5000;

/** What a read ends with: an answer, `undefined` for a miss, or none. */
export type ReadAnswer = LeaseAnswer | undefined | Unavailable;
/** Who reads. */
export interface Reader {
  /** Must not throw. `isElsewhere`: the asynchronous context is another's than that in which it began to read. */
  answered(answer: ReadAnswer, isElsewhere: boolean): void;
  /** Whether it asks nobody for anything more because of this answer. Must not throw. */
  endsWith(answer: ReadAnswer): boolean;
}

/** Whether it is worth a look: a tier of somebody else's may have `null` for none. */
function isEntry(found: unknown): found is TierEntry {
  return typeof found === 'object' && found !== null;
}

function isLeaseAnswer(answer: unknown): answer is LeaseAnswer {
  if (!isEntry(answer)) return false;
  const { kind, entry } = answer as Partial<Extract<LeaseAnswer, { readonly kind: 'hit' }>>;
  return kind === 'hit' ? isEntry(entry) : typeof kind === 'string';
}

interface Batch {
  readonly keys: string[];
  readonly readers: Reader[];
  /** Of the first read; `undefined` when it wants no lease. */
  readonly leaseMs: number | undefined;
  sent: boolean;
}

/**
 * A region of a tier, guarded: each call settles within the tier's deadline, and none rejects but those that write, with
 * an `EncodeError`.
 *
 * Reads of one turn of the event loop become one `getMany`: one command, one reply and one deadline for all of them.
 */
export class GuardedRegion {
  readonly guard: TierGuard;
  readonly #region: TierRegion;
  readonly #isUsable: ((value: unknown) => boolean) | undefined;
  #batch: Batch | undefined;
  /** The latest clearing of everything that was asked for, unless it was refused. */
  #clearing: Promise<void> | undefined;
  hitCount = 0;

  /** `isUsable` tells what must not be handed out: an entry with such a value is none, and gets replaced. */
  constructor(guard: TierGuard, region: TierRegion, isUsable?: (value: unknown) => boolean) {
    this.guard = guard;
    this.#region = region;
    this.#isUsable = isUsable;
  }

  get leases(): boolean {
    return this.#region.lease !== undefined;
  }

  async get(key: string): Promise<TierEntry | undefined | Unavailable> {
    const answer = await new Promise<ReadAnswer>((resolve) => {
      this.read(key, undefined, { answered: resolve, endsWith: () => true });
    });
    if (answer === UNAVAILABLE) return answer;
    return answer?.kind === 'hit' ? answer.entry : undefined;
  }

  /**
   * An entry, or `undefined` for a miss. With `leaseMs`, a read that is alone in its turn may come with the answer to a
   * request for the lease, where the tier gives both at once.
   */
  read(key: string, leaseMs: number | undefined, reader: Reader): void {
    let batch = this.#batch;
    if (batch === undefined) {
      const opened: Batch = { keys: [], readers: [], leaseMs, sent: false };
      this.#batch = batch = opened;
      afterTurn(() => {
        this.#send(opened, false);
      });
    }
    batch.keys.push(key);
    batch.readers.push(reader);
    if (batch.keys.length === MAX_BATCH) this.#send(batch, true);
  }

  /** At the end of the turn, with what others ask for. */
  acquire(
    key: string,
    leaseMs: number,
    freshBeyond: number,
    hasWaited: boolean,
  ): Promise<LeaseAnswer | Unavailable> {
    return new Promise((resolve) => {
      afterTurn(() => {
        this.#leased(
          key,
          (lease) => this.#replaced(key, leaseMs, lease.acquire(key, leaseMs, freshBeyond, hasWaited)),
          resolve,
        );
      });
    });
  }

  /** In the place of an entry that is of no use, the lease over it, or none where somebody has just brought another such. */
  #replaced(key: string, leaseMs: number, asking: Promise<LeaseAnswer>): Promise<LeaseAnswer | Unavailable> {
    if (this.#isUsable === undefined) return asking;
    return asking.then(async (answer) => {
      if (answer.kind !== 'hit' || this.#isOfUse(answer.entry)) return answer;
      const taken = await this.#region.lease!.acquire(key, leaseMs, Infinity);
      return taken.kind === 'hit' ? UNAVAILABLE : taken;
    });
  }

  #isOfUse({ value }: TierEntry): boolean {
    if (this.#isUsable === undefined || this.#isUsable(value)) return true;
    this.guard.unusableCount++;
    return false;
  }

  /** A lease that is granted after the deadline is given back: nobody here knows of it, and others would wait for it. */
  #leased(
    key: string,
    call: (lease: TierLease) => Promise<LeaseAnswer | Unavailable>,
    done: (answer: LeaseAnswer | Unavailable) => void,
  ): void {
    this.guard.ask(() => call(this.#region.lease!), {
      done: (answer) => {
        done(isLeaseAnswer(answer) ? answer : UNAVAILABLE);
      },
      late: (answer) => {
        if (isLeaseAnswer(answer) && answer.kind === 'granted') void this.release(key, answer.token);
      },
    });
  }

  /** Tells `asker` whether the lease was still this one. At the end of the turn, as {@link acquire}. */
  fill(write: TierWrite, token: string, asker: Asker<boolean>): void {
    afterTurn(() => {
      this.guard.ask(() => this.#region.lease!.fill(write, token), asker);
    });
  }

  /** With a failure, those who wait for the lease are told of it. */
  async release(key: string, token: string, failure?: string): Promise<void> {
    const lease = this.#region.lease!;
    await this.guard.run(() =>
      failure === undefined || lease.fail === undefined
        ? lease.release(key, token)
        : lease.fail(key, token, failure),
    );
  }

  /** @returns whether the tier confirmed it. */
  async setMany(writes: readonly TierWrite[]): Promise<boolean> {
    return this.#inChunks(writes, (chunk) => this.#region.setMany(chunk));
  }

  /** @returns whether the tier confirmed it. */
  async deleteMany(keys: readonly string[]): Promise<boolean> {
    return this.#inChunks(keys, (chunk) => this.#region.deleteMany(chunk));
  }

  /** @returns whether the tier confirmed it. */
  async clear(): Promise<boolean> {
    this.#clearing = undefined;
    return this.clearOn();
  }

  /** Waits on for a {@link clear} that was not confirmed, and begins it anew only if that has failed. */
  async clearOn(): Promise<boolean> {
    return this.#confirms(() => (this.#clearing ??= this.#clear()));
  }

  /** As {@link clear}, for at least what begins with the prefix. */
  async clearPrefix(prefix: string): Promise<boolean> {
    return this.#confirms(() => this.#region.clear(prefix));
  }

  async #confirms(clear: () => Promise<void>): Promise<boolean> {
    return (await this.guard.run(clear, CLEAR_DEADLINE_MS)) !== UNAVAILABLE;
  }

  #clear(): Promise<void> {
    const clearing = promiseOf(() => this.#region.clear());
    clearing.catch(() => {
      if (this.#clearing === clearing) this.#clearing = undefined;
    });
    return clearing;
  }

  get versions(): boolean {
    return this.#region.versions !== undefined;
  }

  /** Compare-and-set. @returns whether the tier confirmed it, if only by having something newer. */
  async setVersion(write: TierWrite, version: number): Promise<boolean> {
    return this.#announced(write.key, version, () => this.#region.versions!.set(write, version));
  }

  /** @returns whether the tier confirmed it. */
  async bury(key: string, version: number, expiresAt: number): Promise<boolean> {
    return this.#announced(key, version, () => this.#region.versions!.bury(key, version, expiresAt));
  }

  async #announced(key: string, version: number, change: () => Promise<boolean>): Promise<boolean> {
    const answer = await this.guard.run(async () => {
      await change();
      await this.#region.announce?.([key], version);
    });
    return answer !== UNAVAILABLE;
  }

  async #inChunks<T>(items: readonly T[], call: (chunk: readonly T[]) => Promise<void>): Promise<boolean> {
    for (let start = 0; start < items.length; start += MAX_WRITES) {
      const chunk = items.slice(start, start + MAX_WRITES);
      if ((await this.guard.run(() => call(chunk))) === UNAVAILABLE) return false;
    }
    return true;
  }

  /** In the context of the first reader, unless `isElsewhere`. */
  #send(batch: Batch, isElsewhere: boolean): void {
    if (batch.sent) return;
    batch.sent = true;
    if (this.#batch === batch) this.#batch = undefined;
    const { keys, readers, leaseMs } = batch;
    if (keys.length === 1 && leaseMs !== undefined && this.#region.lease?.readOrAcquire !== undefined) {
      const [key] = keys as [string];
      const [reader] = readers as [Reader];
      this.#leased(
        key,
        (lease) => this.#replaced(key, leaseMs, lease.readOrAcquire!(key, leaseMs)),
        (answer) => {
          reader.answered(answer, answer === UNAVAILABLE);
        },
      );
      return;
    }
    const { undecoded = this.#region } = this.#region;
    this.guard.ask<readonly unknown[]>(() => undecoded.getMany(keys), {
      done: (found) => {
        if (Array.isArray(found)) this.#tell(readers, found, 0, isElsewhere);
        else for (const reader of readers) reader.answered(UNAVAILABLE, true);
      },
    });
  }

  /**
   * Those from `start` on, as far as it goes; the others when these have gone on. Only who is content with what they got is told
   * at once: those who ask the next level or the loader because of it go last and all together (`lacking`), so that what they
   * ask for is one question as well.
   */
  #tell(
    readers: readonly Reader[],
    found: readonly unknown[],
    start: number,
    isElsewhere: boolean,
    lacking: (readonly [Reader, ReadAnswer])[] = [],
  ): void {
    const startedAt = performance.now();
    for (let i = start; i < readers.length; i++) {
      if (i > start && performance.now() - startedAt > SLICE_MS) {
        afterTurn(() => {
          process.nextTick(() => {
            this.#tell(readers, found, i, true, lacking);
          });
        });
        return;
      }
      const reader = readers[i]!;
      const answer = this.#answerOf(found[i]);
      if (reader.endsWith(answer)) reader.answered(answer, isElsewhere || i > 0);
      else lacking.push([reader, answer]);
    }
    for (const [reader, answer] of lacking) reader.answered(answer, true);
  }

  /** A tier that found too few has not found the rest; one that cannot open what it holds has not answered. */
  #answerOf(held: unknown): ReadAnswer {
    const { undecoded } = this.#region;
    let entry = held;
    if (undecoded !== undefined && held !== undefined) {
      try {
        entry = undecoded.open(held);
      } catch {
        this.guard.errorCount++;
        return UNAVAILABLE;
      }
    }
    return isEntry(entry) && this.#isOfUse(entry) ? { kind: 'hit', entry } : undefined;
  }
}
