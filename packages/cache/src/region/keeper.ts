import { copyOf } from '../copy.ts';
import { EncodeError } from '../errors.ts';
import { deepFreeze } from '../freeze.ts';
import type { Hearing } from '../hearing.ts';
import type { MemoryEntry, MemoryRegion } from '../tiers/memory.ts';
import type { Ends, Life } from './life.ts';

/** What all regions of a cache know of its surroundings. */
export interface Surroundings {
  /** Longest life in memory right now, in ms: short while messages of other processes cannot be received. */
  memoryLimitMs: number;
  readonly disconnectedTtlMs: number;
  readonly hearing: Hearing;
  closed: boolean;
}

/** Puts into memory what may be kept there, and knows of all that runs in the background. */
export class Keeper {
  readonly memory: MemoryRegion | undefined;
  readonly #maxTtlMs: number;
  readonly #life: Life;
  readonly #values: 'frozen' | 'copied' | 'shared';
  readonly surroundings: Surroundings;
  /** Fills, releases and refreshes, which nobody waits for but `close`. */
  #runningCount = 0;
  readonly #waiting: (() => void)[] = [];
  /** How long a load takes, for the refresh ahead of the end. */
  loadMs: () => number = () => 0;

  constructor(
    memory: MemoryRegion | undefined,
    maxTtlMs: number,
    life: Life,
    values: 'frozen' | 'copied' | 'shared',
    surroundings: Surroundings,
  ) {
    this.memory = memory;
    this.#maxTtlMs = maxTtlMs;
    this.#life = life;
    this.#values = values;
    this.surroundings = surroundings;
  }

  /** What comes from a level, and is nobody else's; in place. */
  frozen(value: unknown): unknown {
    return this.#values === 'frozen' ? deepFreeze(value) : value;
  }

  /** What comes from the user, who may go on to use it. @throws {EncodeError} when it cannot be copied or frozen. */
  owned(value: unknown): unknown {
    if (this.#values === 'copied') return copyOf(value);
    try {
      return this.frozen(value);
    } catch (cause) {
      throw new EncodeError('the value cannot be frozen', { cause });
    }
  }

  /** What is handed to the user's functions. */
  lent(value: unknown): unknown {
    return this.#values === 'copied' ? copyOf(value) : value;
  }

  /** `unverified`: the levels could not say whether something newer is known, so that it stays no longer than in silence. */
  remember(key: string, value: unknown, ends: Ends, unverified = false): MemoryEntry | undefined {
    const { closed, disconnectedTtlMs } = this.surroundings;
    const memoryLimitMs = unverified
      ? Math.min(this.surroundings.memoryLimitMs, disconnectedTtlMs)
      : this.surroundings.memoryLimitMs;
    if (this.memory === undefined || closed || memoryLimitMs === 0) return undefined;
    const limitMs = Math.min(this.#maxTtlMs, memoryLimitMs);
    const expiresAt = this.#life.endInLevel(ends.expiresAt, limitMs);
    const freshUntil = Math.min(ends.freshUntil, expiresAt);
    const ahead = this.#life.attentionAt(freshUntil, this.loadMs());
    // Memory may keep it for a part of its life only. That there is none has a life of its own.
    const attentionAt = value === undefined ? ahead : Math.min(ahead, ends.freshUntil - this.#life.leadMs);
    return this.memory.put(key, value, attentionAt, { freshUntil, expiresAt });
  }

  track<T>(work: Promise<T>): Promise<T> {
    this.begin();
    const end = (): void => {
      this.end();
    };
    work.then(end, end);
    return work;
  }

  /** Something runs in the background, until as many calls of {@link end}. */
  begin(): void {
    this.#runningCount++;
  }

  end(): void {
    if (--this.#runningCount > 0) return;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  async settled(): Promise<void> {
    while (this.#runningCount > 0) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    }
  }
}
