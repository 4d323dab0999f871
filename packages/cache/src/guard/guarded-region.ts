import type { LeaseAnswer, TierEntry, TierLease, TierRegion, TierWrite } from '../tier.ts';
import { type TierGuard, UNAVAILABLE, type Unavailable } from './guard.ts';

/** Keys of one `getMany`; a reply of more than this would hold up everybody else's. */
const MAX_BATCH = 512;
/** Entries of one write or deletion, each with a deadline of its own: a thousand take longer than one read may wait. */
const MAX_WRITES = 256;
/** A region is cleared key by key, which takes longer than a read may wait. */
const CLEAR_DEADLINE_MS = 5000;

interface Batch {
  readonly keys: string[];
  readonly resolves: ((answer: LeaseAnswer | undefined | Unavailable) => void)[];
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
  hitCount = 0;

  constructor(guard: TierGuard, region: TierRegion) {
    this.guard = guard;
    this.#region = region;
  }

  get leases(): boolean {
    return this.#region.lease !== undefined;
  }

  async get(key: string): Promise<TierEntry | undefined | Unavailable> {
    const answer = await this.read(key, undefined);
    if (answer === UNAVAILABLE || answer?.kind === 'hit')
      return answer === UNAVAILABLE ? answer : answer.entry;
    return undefined;
  }

  /**
   * An entry, or `undefined` for a miss. With `leaseMs`, a read that is alone in its turn may come with the answer to a
   * request for the lease, where the tier gives both at once.
   */
  read(key: string, leaseMs: number | undefined): Promise<LeaseAnswer | undefined | Unavailable> {
    return new Promise((resolve) => {
      let batch = this.#batch;
      if (batch === undefined) {
        const opened: Batch = { keys: [], resolves: [], leaseMs, sent: false };
        this.#batch = batch = opened;
        queueMicrotask(() => {
          this.#send(opened);
        });
      }
      batch.keys.push(key);
      batch.resolves.push(resolve);
      if (batch.keys.length === MAX_BATCH) this.#send(batch);
    });
  }

  acquire(key: string, leaseMs: number, freshBeyond: number): Promise<LeaseAnswer | Unavailable> {
    return this.#leased(key, (lease) => lease.acquire(key, leaseMs, freshBeyond));
  }

  /** A lease that is granted after the deadline is given back: nobody here knows of it, and others would wait for it. */
  async #leased(
    key: string,
    call: (lease: TierLease) => Promise<LeaseAnswer>,
  ): Promise<LeaseAnswer | Unavailable> {
    const lease = this.#region.lease!;
    let isLate = false;
    const answer = await this.guard.run(async () => {
      const given = await call(lease);
      if (isLate && given.kind === 'granted') void this.release(key, given.token);
      return given;
    });
    isLate = answer === UNAVAILABLE;
    return answer;
  }

  fill(write: TierWrite, token: string): Promise<boolean | Unavailable> {
    return this.guard.run(() => this.#region.lease!.fill(write, token));
  }

  async release(key: string, token: string): Promise<void> {
    await this.guard.run(() => this.#region.lease!.release(key, token));
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
  async clear(prefix?: string): Promise<boolean> {
    return (await this.guard.run(() => this.#region.clear(prefix), CLEAR_DEADLINE_MS)) !== UNAVAILABLE;
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

  #send(batch: Batch): void {
    if (batch.sent) return;
    batch.sent = true;
    if (this.#batch === batch) this.#batch = undefined;
    const { leaseMs } = batch;
    if (batch.keys.length === 1 && leaseMs !== undefined && this.#region.lease?.readOrAcquire !== undefined) {
      const key = batch.keys[0]!;
      void this.#leased(key, (lease) => lease.readOrAcquire!(key, leaseMs)).then(batch.resolves[0]);
      return;
    }
    void this.guard
      .run(() => this.#region.getMany(batch.keys))
      .then((entries) => {
        const { resolves } = batch;
        if (entries === UNAVAILABLE) {
          for (const resolve of resolves) resolve(UNAVAILABLE);
          return;
        }
        // A tier that answers with too few has not found the rest.
        for (let i = 0; i < resolves.length; i++) {
          const entry = entries[i];
          resolves[i]!(entry === undefined ? undefined : { kind: 'hit', entry });
        }
      });
  }
}
