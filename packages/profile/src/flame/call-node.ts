/** A function as it was called from one place: with its callers a path of a call tree. Plain data. */
export interface CallNode {
  /** As V8 names it; empty for a function without a name. */
  readonly name: string;
  /** Where its source is: a `file:` URL, a path, `node:fs`, or empty for native code. */
  readonly url: string;
  /** Line of its first character, from 1; 0 where there is none. */
  readonly line: number;
  /** Column of its first character, from 1; 0 where there is none. */
  readonly column: number;
  /** What it took itself, without what it called; in the tree's unit. */
  readonly self: number;
  /** `self` and all below. */
  readonly total: number;
  /** What it called; each function once. */
  readonly children: readonly CallNode[];
}
