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
