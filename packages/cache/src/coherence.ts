import { publishTierEvent } from './diagnostics.ts';
import type { ResolvedOptions } from './options.ts';
import type { Surroundings } from './region/keeper.ts';
import type { Region } from './region/region.ts';

/**
 * Keeps memory, and the reads under way, no older than what can be heard of other processes.
 *
 * While some tier that tells of changes is cut off, entries enter memory for a short life only, and those that were
 * there before go after the same time; a read is joined for no longer either. When it is back memory is emptied, because
 * what was said in between is lost.
 */
export class Coherence {
  readonly #regions: ReadonlyMap<string, Region<never>>;
  readonly #surroundings: Surroundings;
  readonly #disconnectedTtlMs: number;
  readonly #hasBus: boolean;
  readonly #down = new Set<string>();
  readonly #unsubscribe: (() => void)[] = [];
  readonly #waiting = new Set<() => void>();
  #expiry: NodeJS.Timeout | undefined;

  constructor(options: ResolvedOptions, origin: string, regions: ReadonlyMap<string, Region<never>>) {
    this.#regions = regions;
    this.#surroundings = options.surroundings;
    this.#disconnectedTtlMs = options.disconnectedTtlMs;
    // Also without memory: reads under way are shared, and who asks after a change must not join one from before it.
    const buses = options.guards.filter(({ tier }) => tier.subscribe !== undefined);
    this.#hasBus = buses.length > 0;
    if (this.#hasBus) this.#surroundings.memoryLimitMs = this.#disconnectedTtlMs;
    for (const { tier } of buses) {
      this.#down.add(tier.name);
      const unsubscribe = tier.subscribe!({
        namespace: options.namespace,
        origin,
        onChanged: (region, keys) => this.#regions.get(region)?.changedElsewhere(keys),
        onUp: () => {
          this.#up(tier.name);
        },
        onDown: () => {
          this.#lost(tier.name);
        },
      });
      this.#unsubscribe.push(unsubscribe);
    }
  }

  /** `undefined` when there is nothing to listen to. */
  get listening(): boolean | undefined {
    return this.#hasBus ? this.#down.size === 0 : undefined;
  }

  ready(timeoutMs: number): Promise<boolean> {
    if (this.#down.size === 0) return Promise.resolve(true);
    return new Promise((resolve) => {
      const settle = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(settle);
        resolve(this.#down.size === 0);
      };
      const timer = setTimeout(settle, timeoutMs);
      this.#waiting.add(settle);
    });
  }

  close(): void {
    clearTimeout(this.#expiry);
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    for (const settle of this.#waiting) settle();
  }

  #up(tier: string): void {
    publishTierEvent(tier, 'bus-up');
    this.#down.delete(tier);
    this.#forgetAll();
    if (this.#down.size > 0) return;
    clearTimeout(this.#expiry);
    this.#expiry = undefined;
    this.#surroundings.memoryLimitMs = Infinity;
    for (const settle of this.#waiting) settle();
  }

  #lost(tier: string): void {
    publishTierEvent(tier, 'bus-down');
    this.#down.add(tier);
    this.#surroundings.memoryLimitMs = this.#disconnectedTtlMs;
    this.#expiry ??= setTimeout(() => {
      this.#expiry = undefined;
      this.#forgetAll();
    }, this.#disconnectedTtlMs);
    this.#expiry.unref();
  }

  #forgetAll(): void {
    for (const region of this.#regions.values()) region.forgetAll();
  }
}
