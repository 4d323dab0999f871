import { setTimeout as sleep } from 'node:timers/promises';
import { LONG_MS } from './contract/bench.ts';
import { ENTRY_CHECKS } from './contract/entries.ts';
import { LEASE_CHECKS } from './contract/leases.ts';
import type { RegionOptions, Tier } from './tier.ts';

/** Options of {@link tierContract}. */
export interface TierContractOptions {
  /** Makes the tier under test; called once for each check. Stores may be shared between calls. */
  readonly create: () => Tier | Promise<Tier>;
  /**
   * Lets at least that many ms pass for the tier; waits for real by default. Give it when the clock below is yours.
   */
  readonly advance?: (ms: number) => void | Promise<void>;
  /** The clock handed to regions; the system's by default. */
  readonly now?: () => number;
}

/** One check of the contract. */
export interface TierCheck {
  /** The behaviour it checks. */
  readonly name: string;
  /** Rejects with an `AssertionError` when the tier does not behave so. */
  run(): Promise<void>;
}

let runCount = 0;

/**
 * The checks that every tier has to pass, for any test runner. Those about leases pass a tier that has none.
 *
 * @example
 * ```ts
 * for (const check of tierContract({ create: () => myTier() })) test(check.name, () => check.run());
 * ```
 */
export function tierContract(options: TierContractOptions): readonly TierCheck[] {
  const clock = { now: options.now ?? Date.now };
  return [...ENTRY_CHECKS, ...LEASE_CHECKS].map(([name, check]) => ({
    name,
    run: async () => {
      const tier = await options.create();
      const namespace = `contract-${process.pid}-${Date.now().toString(36)}-${runCount++}`;
      await check({
        region: (region = 'keys') => {
          const opening: RegionOptions = {
            name: region,
            namespace,
            origin: 'contract',
            prefix: `${namespace}:${region}:`,
            clock,
          };
          return tier.open(opening);
        },
        now: () => clock.now(),
        write: (key, value, ttlMs = LONG_MS) => {
          const expiresAt = clock.now() + ttlMs;
          return { key, value, expiresAt, freshUntil: expiresAt };
        },
        advance: async (ms) => {
          await (options.advance ?? sleep)(ms);
        },
      });
    },
  }));
}
