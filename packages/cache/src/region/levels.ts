import { explainEntry, type LevelExplanation } from '../explain.ts';
import type { GuardedRegion, ReadAnswer } from '../guard/guarded-region.ts';
import { UNAVAILABLE, type Unavailable } from '../guard/guard.ts';
import type { LeaseAnswer, TierEntry, TierWrite } from '../tier.ts';
import { remoteError } from './failure.ts';
import { Fills, type Tokens, UNFENCED } from './fills.ts';
import type { Hunt } from './hunt.ts';
import { LeaseWaits } from './lease-waits.ts';
import type { Life } from './life.ts';
import { Outbox } from './outbox.ts';
import { FLOOR_MS, VersionFloors } from './version-floors.ts';

const FIRST_LEASE_WAIT_MS = 2;
const LAST_LEASE_WAIT_MS = 40;
type GrantedLease = Extract<LeaseAnswer, { readonly kind: 'granted' }>;

/** Whether every tier has confirmed, or one of them is to be told later. */
export type Confirmation = 'done' | 'queued';

/** The tiers below memory, from the top (level 0) down. Nothing here rejects because of a tier. */
export class Levels {
  readonly tiers: readonly GuardedRegion[];
  readonly waits: LeaseWaits = new LeaseWaits();
  readonly fills: Fills;
  readonly #life: Life;
  readonly #leaseMs: number;
  readonly #hasLoader: boolean;
  readonly #outbox: Outbox;
  readonly #floors: VersionFloors = new VersionFloors();
  leaseWaitCount = 0;

  constructor(tiers: readonly GuardedRegion[], life: Life, leaseMs: number, hasLoader: boolean) {
    this.tiers = tiers;
    this.#life = life;
    this.fills = new Fills(tiers, life);
    this.#leaseMs = leaseMs;
    this.#hasLoader = hasLoader;
    this.#outbox = new Outbox({
      keys: (keys, level) => this.#replay(keys, level),
      everything: (level, again) => this.#clearUpwards(level, again),
    });
  }

  get queuedCount(): number {
    return this.#outbox.size;
  }

  /**
   * Finds the topmost entry, with leases taken in the levels above it; or none, with leases in all levels that can give one.
   * The hunter is told, possibly before this returns.
   */
  read(hunt: Hunt): void {
    this.remind(hunt);
    this.#ask(hunt);
  }

  /** Tells a hunt what version is known by now. */
  remind(hunt: Hunt): void {
    if (this.#floors.isEmpty) return;
    const floor = this.#floors.of(hunt.key, this.#life.now());
    if (floor !== undefined) hunt.needs(floor.version);
  }

  /** The level that the hunt has come to, if there is one. */
  #ask(hunt: Hunt): void {
    const { level, key } = hunt;
    if (level === this.tiers.length) {
      hunt.hunter.found(hunt, undefined);
    } else if (level <= this.#outbox.levelOf(key)) {
      hunt.unverified = true;
      this.#goOn(hunt, undefined);
    } else this.tiers[level]!.read(key, this.#givesLease(level) ? this.#leaseMs : undefined, hunt);
  }

  /** What the level said that the hunt has come to. */
  answered(hunt: Hunt, answer: ReadAnswer): void {
    const { level } = hunt;
    if (answer === UNAVAILABLE) {
      hunt.unverified = true;
      this.#goOn(hunt, undefined);
    } else if (answer?.kind === 'hit' && (hunt.accepts(answer.entry) || hunt.serves(answer.entry))) {
      this.#goOn(hunt, answer.entry);
    } else if (this.#givesLease(level)) {
      if (answer?.kind === 'granted') {
        this.#take(hunt, answer);
        this.#goOn(hunt, undefined);
      } else {
        void this.#lease(hunt, answer).then((entry) => {
          this.#goOn(hunt, entry);
        });
      }
    } else {
      if (!this.#isLast(level)) hunt.tokens[level] = UNFENCED;
      this.#goOn(hunt, undefined);
    }
  }

  /** With what the level has, or to the next. */
  #goOn(hunt: Hunt, entry: TierEntry | undefined): void {
    if (hunt.beaten || hunt.failure !== undefined) hunt.hunter.found(hunt, undefined);
    else if (entry === undefined) {
      hunt.level++;
      this.#ask(hunt);
    } else {
      this.tiers[hunt.level]!.hitCount++;
      hunt.hunter.found(hunt, entry);
    }
  }

  /** Gives the leases back, because of a failure if there is one. @returns `undefined` when there are none. */
  release(key: string, tokens: Tokens, failure: string | undefined): Promise<unknown> | undefined {
    let releases: Promise<void>[] | undefined;
    for (let level = 0; level < tokens.length; level++) {
      const token = tokens[level];
      if (token === undefined || token === UNFENCED) continue;
      const releasing = this.tiers[level]!.release(key, token, failure);
      (releases ??= []).push(failure === undefined ? releasing : this.waits.end(token, releasing));
    }
    return releases === undefined ? undefined : Promise.all(releases);
  }

  /** @throws {EncodeError} when a level cannot hold a value; the keys are then deleted. */
  async write(writes: readonly TierWrite[]): Promise<Confirmation> {
    const keys = writes.map((write) => write.key);
    const replaced = this.#outbox.waiting(keys);
    let lowestFailed = -1;
    try {
      for (let level = this.tiers.length - 1; level >= 0; level--) {
        const tier = this.tiers[level]!;
        const limited = writes.map((write) => this.fills.limited(write, level));
        if (!(await tier.setMany(limited))) lowestFailed = Math.max(lowestFailed, level);
      }
    } catch (error) {
      this.fills.encodeErrorCount++;
      await this.delete(keys);
      throw error;
    }
    if (lowestFailed < 0) {
      this.#outbox.settle(replaced);
      return this.#unlessCleared();
    }
    this.#outbox.add(keys, lowestFailed);
    return 'queued';
  }

  /** These rows have this version by now: what is older is neither kept nor believed, whatever the levels say. */
  heard(keys: readonly string[] | undefined, version: number): void {
    const now = this.#life.now();
    for (const key of keys ?? []) this.#floors.set(key, version, now + FLOOR_MS, now);
  }

  /**
   * Writes where nothing newer is, or, without a value, keeps what is older from being stored.
   *
   * @throws {EncodeError} when a level cannot hold the value; what is older is then kept out.
   */
  async writeVersion(write: TierWrite, version: number, bury: boolean): Promise<Confirmation> {
    this.heard([write.key], version);
    let lowestFailed = -1;
    try {
      for (let level = this.tiers.length - 1; level >= 0; level--) {
        const tier = this.tiers[level]!;
        let confirmed: boolean;
        if (!tier.versions) confirmed = await tier.deleteMany([write.key]);
        else if (bury) confirmed = await tier.bury(write.key, version, write.expiresAt);
        else confirmed = await tier.setVersion(this.fills.limited(write, level), version);
        if (!confirmed) lowestFailed = Math.max(lowestFailed, level);
      }
    } catch (error) {
      this.fills.encodeErrorCount++;
      await this.writeVersion({ ...write, expiresAt: this.#life.now() + FLOOR_MS }, version, true);
      throw error;
    }
    if (lowestFailed < 0) return this.#unlessCleared();
    this.#floors.queue(write.key, version, write.expiresAt, this.#life.now());
    this.#outbox.add([write.key], lowestFailed);
    return 'queued';
  }

  /** What every level has by now is not there to stay while a clearing is queued. */
  #unlessCleared(): Confirmation {
    return this.#outbox.isClearing ? 'queued' : 'done';
  }

  /** At least all keys that begin with the prefix. */
  async deletePrefix(prefix: string): Promise<Confirmation> {
    let lowestFailed = -1;
    for (let level = this.tiers.length - 1; level >= 0; level--) {
      if (!(await this.tiers[level]!.clearPrefix(prefix))) lowestFailed = Math.max(lowestFailed, level);
    }
    if (lowestFailed < 0) return 'done';
    this.#outbox.addEverything(lowestFailed);
    return 'queued';
  }

  /** `undefined` deletes everything. */
  async delete(keys: readonly string[] | undefined): Promise<Confirmation> {
    const lowest = this.tiers.length - 1;
    const failed = await (keys === undefined
      ? this.#clearUpwards(lowest)
      : this.#deleteUpwards(lowest, keys));
    if (failed < 0) return 'done';
    if (keys === undefined) this.#outbox.addEverything(failed);
    else this.#outbox.add(keys, failed);
    return 'queued';
  }

  async explain(key: string, now: number): Promise<LevelExplanation[]> {
    return Promise.all(
      this.tiers.map(async (tier, level): Promise<LevelExplanation> => {
        const { name } = tier.guard.tier;
        if (level <= this.#outbox.levelOf(key)) return { level: name, state: 'distrusted' };
        const entry = await tier.get(key);
        return entry === UNAVAILABLE ? { level: name, state: 'unavailable' } : explainEntry(name, entry, now);
      }),
    );
  }

  /** Tries what is queued once more, and never again. */
  async close(): Promise<void> {
    await this.#outbox.close();
  }

  /**
   * After a miss above something that could answer: takes the lease, or waits for who has it. Never rejects.
   *
   * @param first is what the level has and the hunt has no use for, or has already said about the lease.
   * @returns an entry that came in the meantime and that the hunt accepts.
   */
  async #lease(hunt: Hunt, first: LeaseAnswer | undefined): Promise<TierEntry | undefined> {
    const { level, key } = hunt;
    const tier = this.tiers[level]!;
    let said = first?.kind === 'hit' ? undefined : first;
    let freshBeyond = hunt.threshold(first?.kind === 'hit' ? first.entry : undefined);
    const startedAt = performance.now();
    let hasWaited = false;
    for (let waitMs = FIRST_LEASE_WAIT_MS; ; waitMs = Math.min(2 * waitMs, LAST_LEASE_WAIT_MS)) {
      const answer: LeaseAnswer | Unavailable =
        said ?? (await tier.acquire(key, this.#leaseMs, freshBeyond, hasWaited));
      said = undefined;
      if (answer === UNAVAILABLE) {
        hunt.unverified = true;
        return undefined;
      }
      if (answer.kind === 'hit') {
        if (hunt.accepts(answer.entry)) return answer.entry;
        if (freshBeyond === Infinity) return undefined;
        freshBeyond = Infinity;
        continue;
      }
      if (answer.kind === 'granted') {
        this.#take(hunt, answer);
        return undefined;
      }
      if (answer.kind === 'failed') {
        hunt.failure = remoteError(answer.failure);
        return undefined;
      }
      if (performance.now() - startedAt >= hunt.patienceMs(this.#leaseMs)) {
        this.remind(hunt);
        hunt.beaten = hunt.previous !== undefined;
        hunt.unverified = true;
        return undefined;
      }
      this.leaseWaitCount++;
      const isOver = this.waits.isOver(answer.token);
      const failure = await this.waits.wait(isOver ? undefined : answer.token, waitMs);
      hasWaited ||= !isOver;
      if (failure !== undefined) {
        hunt.failure = remoteError(failure);
        return undefined;
      }
    }
  }

  #take(hunt: Hunt, { token, minVersion }: GrantedLease): void {
    hunt.tokens[hunt.level] = token;
    if (minVersion === undefined) return;
    hunt.needs(minVersion);
    this.heard([hunt.key], minVersion);
  }

  /** Whether nothing below could answer. */
  #isLast(level: number): boolean {
    return level === this.tiers.length - 1 && !this.#hasLoader;
  }

  #givesLease(level: number): boolean {
    return this.tiers[level]!.leases && !this.#isLast(level);
  }

  /** Where a version is known it is kept: a deletion would take a newer tombstone of another process with it. */
  async #replay(keys: readonly string[], from: number): Promise<boolean> {
    const now = this.#life.now();
    const floors = keys.map((key) => [key, this.#floors.queuedOf(key, now)] as const);
    const plain = floors.filter(([, floor]) => floor === undefined).map(([key]) => key);
    if (plain.length > 0 && (await this.#deleteUpwards(from, plain)) >= 0) return false;
    const versioned = floors.flatMap(([key, floor]) => (floor === undefined ? [] : [[key, floor] as const]));
    for (let level = from; level >= 0; level--) {
      const tier = this.tiers[level]!;
      const confirmed = await Promise.all(
        versioned.map(([key, { version, until }]) =>
          tier.versions ? tier.bury(key, version, until) : tier.deleteMany([key]),
        ),
      );
      if (!confirmed.every(Boolean)) return false;
    }
    for (const [key, floor] of versioned) this.#floors.told(key, floor.version);
    return true;
  }

  /**
   * From the lowest level up: a read that still finds the old value in a lower level holds a lease on those above it,
   * which is yet to be ended.
   *
   * @returns the lowest level that did not confirm, −1 if all did.
   */
  async #deleteUpwards(from: number, keys: readonly string[]): Promise<number> {
    let lowestFailed = -1;
    for (let level = from; level >= 0; level--) {
      if (!(await this.tiers[level]!.deleteMany(keys))) lowestFailed = Math.max(lowestFailed, level);
    }
    return lowestFailed;
  }

  /**
   * As `#deleteUpwards`, for everything. `again`: `from` is the lowest level that did not confirm it before. It may only have
   * been too slow, and is waited for once more; those above it have to begin after it.
   */
  async #clearUpwards(from: number, again: boolean = false): Promise<number> {
    let lowestFailed = -1;
    for (let level = from; level >= 0; level--) {
      const tier = this.tiers[level]!;
      const confirmed = await (again && level === from ? tier.clearOn() : tier.clear());
      if (!confirmed) lowestFailed = Math.max(lowestFailed, level);
    }
    return lowestFailed;
  }
}
