/** A table, as it crosses to another thread: post it, and call `layout.attach` there. */
export interface TableDescriptor {
  readonly kind: 'hotpath.table.v1';
  /** Hash of the layout; `attach` compares it with its own. */
  readonly fingerprint: string;
  /** The layout as text, for the message when they differ. */
  readonly layout: string;
  readonly buffer: SharedArrayBuffer;
  readonly byteOffset: number;
  readonly capacity: number;
  readonly length: number;
}

/** How rows are sorted. */
export interface SortOptions {
  /** Largest first; equal rows keep their order either way. Default `false`. */
  readonly descending?: boolean;
}

/** Why a table's length is fixed, if it is. */
export type Fixedness = 'growable' | 'borrowed' | 'attached';
