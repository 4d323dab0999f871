import type { TierEntry } from './tier.ts';

/** What one level has under a key. */
export interface LevelExplanation {
  readonly level: string;
  /** `distrusted`: a deletion is still queued, so that what is there is not read. */
  readonly state: 'fresh' | 'stale' | 'absent' | 'unavailable' | 'distrusted';
  /** How long it is still fresh, in ms; below 0 when it no longer is. */
  readonly freshForMs?: number;
  /** How long until it is gone, in ms. */
  readonly expiresInMs?: number;
  /** How long it has been there, in ms, where that is known. */
  readonly ageMs?: number;
  readonly version?: number;
}

/** Where a value is, how old, and what the next read would do. */
export interface Explanation {
  /** As it is stored: a key that is long or odd is hashed. */
  readonly key: string;
  /** From memory down. */
  readonly levels: readonly LevelExplanation[];
  /** Whether a read or a refresh of it is under way in this process. */
  readonly flying: boolean;
  /** In one sentence. */
  readonly next: string;
}

export function explainEntry(
  level: string,
  entry: (TierEntry & { readonly storedAt?: number }) | undefined,
  now: number,
): LevelExplanation {
  if (entry === undefined || entry.expiresAt <= now) return { level, state: 'absent' };
  return {
    level,
    state: entry.freshUntil > now ? 'fresh' : 'stale',
    freshForMs: entry.freshUntil - now,
    expiresInMs: entry.expiresAt - now,
    ...(entry.storedAt === undefined ? {} : { ageMs: now - entry.storedAt }),
    ...(entry.version === undefined ? {} : { version: entry.version }),
  };
}

/** What decides over the next read, beside the levels. */
export interface ReadConditions {
  readonly flying: boolean;
  readonly loads: boolean;
  /** Whether what memory has is due to be loaded ahead of its end. */
  readonly loadsAhead: boolean;
  readonly whileRevalidateMs: number;
}

/** What the next read would do, in one sentence. */
export function nextRead(levels: readonly LevelExplanation[], conditions: ReadConditions): string {
  const { flying, loads, loadsAhead, whileRevalidateMs } = conditions;
  const found = levels.find(({ state }) => state === 'fresh');
  const stale = levels.find(({ state }) => state === 'stale');
  const first = levels[0];
  if (first?.level === 'memory' && first.state === 'fresh')
    return loadsAhead ? 'served from memory, and loaded ahead in the background' : 'served from memory';
  if (flying) return 'joins the read that is under way';
  if (stale?.freshForMs !== undefined && -stale.freshForMs < whileRevalidateMs)
    return `served stale from ${stale.level}, and loaded anew in the background`;
  if (found !== undefined) return `read from ${found.level}, which fills the levels above`;
  if (!loads) return 'a miss: there is no loader';
  return stale === undefined ? 'loaded' : `loaded; served stale from ${stale.level} if that fails or is slow`;
}
