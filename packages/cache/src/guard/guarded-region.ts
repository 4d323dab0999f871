import { AsyncResource } from 'node:async_hooks';

import { afterTurn, promiseOf } from '../promise.ts';
import type { LeaseAnswer, TierEntry, TierLease, TierRegion, TierWrite } from '../tier.ts';
import { type Asker, type TierGuard, UNAVAILABLE, type Unavailable } from './guard.ts';

/** Keys of one `getMany`; a reply of more than this would hold up everybody else's. */
const MAX_BATCH = 512;
/** Entries of one write or deletion, each with a deadline of its own: a thousand take longer than one read may wait. */
const MAX_WRITES = 256;
/** A region is cleared key by key, which takes longer than a read may wait, and may take longer than this. */
const CLEAR_DEADLINE_MS = 5000;

/** What a read ends with: an answer, `undefined` for a miss, or none. */
export type ReadAnswer = LeaseAnswer | undefined | Unavailable;
/** Who reads; must not throw. */
export interface Reader {
  answered(answer: ReadAnswer): void;
}

function tell(reader: Reader, answer: ReadAnswer): void {
  reader.answered(answer);
}

interface Batch {
  readonly keys: string[];
  readonly readers: Reader[];
  /**
   * Of each reader: what they go on to, a loader for one, is of theirs. The first needs it only where it is not told by the
   * answer, because the batch is sent in its context; a deadline comes in that of whoever has armed the timer.
   */
  readonly contexts: AsyncResource[];
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
  #batch: Batch | undefined;
  /** The latest clearing of everything that was asked for, unless it was refused. */
  #clearing: Promise<void> | undefined;
  hitCount = 0;

  constructor(guard: TierGuard, region: TierRegion) {
    this.guard = guard;
    this.#region = region;
  }

  get leases(): boolean {
    return this.#region.lease !== undefined;
  }

  async get(key: string): Promise<TierEntry | undefined | Unavailable> {
    const answer = await new Promise<ReadAnswer>((resolve) => {
      this.read(key, undefined, { answered: resolve });
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
      const opened: Batch = { keys: [], readers: [], contexts: [], leaseMs, sent: false };
      this.#batch = batch = opened;
      afterTurn(() => {
        this.#send(opened);
      });
    }
    batch.contexts.push(new AsyncResource('hotpath.cache.read'));
    batch.keys.push(key);
    batch.readers.push(reader);
    if (batch.keys.length === MAX_BATCH) this.#sendFull(batch);
  }

  acquire(
    key: string,
    leaseMs: number,
    freshBeyond: number,
    hasWaited: boolean,
  ): Promise<LeaseAnswer | Unavailable> {
    return new Promise((resolve) => {
      this.#leased(key, (lease) => lease.acquire(key, leaseMs, freshBeyond, hasWaited), resolve);
    });
  }

  /** A lease that is granted after the deadline is given back: nobody here knows of it, and others would wait for it. */
  #leased(
    key: string,
    call: (lease: TierLease) => Promise<LeaseAnswer>,
    done: (answer: LeaseAnswer | Unavailable) => void,
  ): void {
    this.guard.ask(() => call(this.#region.lease!), {
      done,
      late: (answer) => {
        if (answer.kind === 'granted') void this.release(key, answer.token);
      },
    });
  }

  /** Tells `asker` whether the lease was still this one. */
  fill(write: TierWrite, token: string, asker: Asker<boolean>): void {
    this.guard.ask(() => this.#region.lease!.fill(write, token), asker);
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

  /** In the context of its first reader, as it would be at the end of the turn. */
  #sendFull(batch: Batch): void {
    batch.contexts[0]!.runInAsyncScope(() => {
      this.#send(batch);
    });
  }

  #send(batch: Batch): void {
    if (batch.sent) return;
    batch.sent = true;
    if (this.#batch === batch) this.#batch = undefined;
    const { keys, readers, contexts, leaseMs } = batch;
    if (keys.length === 1 && leaseMs !== undefined && this.#region.lease?.readOrAcquire !== undefined) {
      const [key] = keys as [string];
      const [reader] = readers as [Reader];
      this.#leased(
        key,
        (lease) => lease.readOrAcquire!(key, leaseMs),
        (answer) => {
          if (answer === UNAVAILABLE) contexts[0]!.runInAsyncScope(tell, undefined, reader, answer);
          else reader.answered(answer);
        },
      );
      return;
    }
    this.guard.ask(() => this.#region.getMany(keys), {
      done: (entries) => {
        // A tier that answers with too few has not found the rest.
        for (let i = 0; i < readers.length; i++) {
          const entry = entries === UNAVAILABLE ? undefined : entries[i];
          const miss = entries === UNAVAILABLE ? UNAVAILABLE : undefined;
          const answer: ReadAnswer = entry === undefined ? miss : { kind: 'hit', entry };
          const reader = readers[i]!;
          if (i === 0 && answer !== UNAVAILABLE) reader.answered(answer);
          else contexts[i]!.runInAsyncScope(tell, undefined, reader, answer);
        }
      },
    });
  }
}
