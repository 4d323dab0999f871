import type { GuardedRegion } from '../guard/guarded-region.ts';
import type { TierWrite } from '../tier.ts';
import type { Life } from './life.ts';

/** Stands for a lease where a tier has none: the fill is then a plain write. */
export const UNFENCED = '';

/** Leases taken on the way down, by level; a hole where a tier hit, was not asked or did not answer. */
export type Tokens = (string | undefined)[];

/** What was found is put into the levels above it. */
export class Fills {
  readonly #tiers: readonly GuardedRegion[];
  readonly #life: Life;
  /** Values that a level cannot hold. */
  encodeErrorCount = 0;

  constructor(tiers: readonly GuardedRegion[], life: Life) {
    this.#tiers = tiers;
    this.#life = life;
  }

  /**
   * Writes to each level whose lease was taken. `isStale` is asked for those that know no leases. `onFilled` is told, possibly
   * before this returns, whether no level refused.
   */
  fill(entry: TierWrite, tokens: Tokens, isStale: () => boolean, onFilled: (kept: boolean) => void): void {
    let openCount = 1;
    let keptByAll = true;
    const settle = (kept: boolean): void => {
      keptByAll &&= kept;
      if (--openCount === 0) onFilled(keptByAll);
    };
    for (let level = 0; level < tokens.length; level++) {
      const token = tokens[level];
      if (token === undefined) continue;
      openCount++;
      this.#fillLevel(level, entry, token, isStale, settle);
    }
    settle(true);
  }

  /** Tells `onFilled` whether the level did not refuse; one that could not be reached did not. */
  #fillLevel(
    level: number,
    entry: TierWrite,
    token: string,
    isStale: () => boolean,
    onFilled: (kept: boolean) => void,
  ): void {
    const tier = this.#tiers[level]!;
    const limited = this.limited(entry, level);
    if (token !== UNFENCED) {
      tier.fill(limited, token, {
        done: (kept) => {
          onFilled(kept !== false);
        },
        refused: () => {
          this.encodeErrorCount++;
          void tier.release(entry.key, token).then(() => {
            onFilled(true);
          });
        },
      });
      return;
    }
    const written = isStale() ? Promise.resolve() : tier.setMany([limited]);
    written.then(
      () => {
        onFilled(true);
      },
      () => {
        // Only a value that cannot be written makes it reject.
        this.encodeErrorCount++;
        onFilled(true);
      },
    );
  }

  /** Within the level's own limit. */
  limited(write: TierWrite, level: number): TierWrite {
    const { maxTtlMs } = this.#tiers[level]!.guard.tier;
    if (maxTtlMs === undefined) return write;
    const expiresAt = this.#life.endInLevel(write.expiresAt, maxTtlMs);
    return { ...write, expiresAt, freshUntil: Math.min(write.freshUntil, expiresAt) };
  }
}
