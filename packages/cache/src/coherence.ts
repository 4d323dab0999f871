import { publishTierEvent } from './diagnostics.ts';
import { ArgumentRangeError } from './errors.ts';
import { LEASE_MS } from './hearing.ts';
import type { ResolvedOptions } from './options.ts';
import type { Surroundings } from './region/keeper.ts';
import type { Region } from './region/region.ts';
import type { TierSubscription } from './tier.ts';

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
  readonly #subscriptions: TierSubscription[] = [];
  readonly #waiting = new Set<() => void>();
  #expiry: NodeJS.Timeout | undefined;

  constructor(options: ResolvedOptions, origin: string, regions: ReadonlyMap<string, Region<never>>) {
    this.#regions = regions;
    this.#surroundings = options.surroundings;
    this.#disconnectedTtlMs = options.disconnectedTtlMs;
    if (options.coarseClock !== undefined)
      options.coarseClock.onSetBack = () => {
        this.#forgetAll();
      };
    // Also without memory: reads under way are shared, and who asks after a change must not join one from before it.
    const buses = options.guards.filter(({ tier }) => tier.subscribe !== undefined);
    this.#hasBus = buses.length > 0;
    if (this.#hasBus) this.#surroundings.memoryLimitMs = this.#disconnectedTtlMs;
    for (const { tier } of buses) {
      this.#down.add(tier.name);
      const subscription = tier.subscribe!({
        namespace: options.namespace,
        origin,
        leaseMs: options.surroundings.hearing.isBound ? LEASE_MS : undefined,
        onChanged: (region, keys, version) => this.#regions.get(region)?.changedElsewhere(keys, version),
        onFailed: (region, token, failure) => this.#regions.get(region)?.levels.waits.failed(token, failure),
        onUp: () => {
          // Bound to a heartbeat, it has to hear the first one.
          if (!this.#surroundings.hearing.isBound) this.#up(tier.name);
        },
        onHeard: (at) => {
          this.#heard(tier.name, at);
        },
        onDown: () => {
          this.#lost(tier.name);
        },
      });
      this.#subscriptions.push(subscription);
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

  /**
   * Resolves when no live process serves what it had of these keys before.
   *
   * @throws {ArgumentRangeError} when processes are not bound to a heartbeat, or no tier carries confirmations.
   */
  async confirm(region: string, keys: readonly string[] | undefined, version?: number): Promise<void> {
    await Promise.all(this.#subscriptions.map((each) => each.confirm!(region, keys, version)));
  }

  /** @throws {ArgumentRangeError} as {@link confirm}. */
  checkConfirms(): void {
    if (this.#hasBus && !this.#surroundings.hearing.isBound)
      throw new ArgumentRangeError(
        "confirm: 'all' needs disconnectedTtlMs: 0, because a process that is cut off serves memory for so long",
      );
    if (!this.#hasBus || this.#subscriptions.some((each) => each.confirm === undefined))
      throw new ArgumentRangeError(
        "confirm: 'all' needs a tier that tells the other processes, as Redis does",
      );
  }

  close(): void {
    clearTimeout(this.#expiry);
    for (const subscription of this.#subscriptions) subscription.close();
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

  /** Only ever with a binding to the heartbeat; with several tiers the one that is heard last ends the silence. */
  #heard(tier: string, at: number): void {
    const { hearing } = this.#surroundings;
    // What came into memory, or began, before others knew of this process, or in a silence, may be old.
    if (this.#down.has(tier)) this.#up(tier);
    else if (!hearing.isRecent) this.#forgetAll();
    if (this.#down.size === 0) hearing.renew(at);
  }

  #lost(tier: string): void {
    publishTierEvent(tier, 'bus-down');
    this.#down.add(tier);
    this.#surroundings.hearing.end();
    this.#surroundings.memoryLimitMs = this.#disconnectedTtlMs;
    this.#expiry ??= setTimeout(() => {
      this.#expiry = undefined;
      this.#forgetAll();
    }, this.#disconnectedTtlMs);
    this.#expiry.unref();
  }

  #forgetAll(): void {
    for (const region of this.#regions.values()) region.forget(undefined);
  }
}
