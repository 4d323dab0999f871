/** A bounded map that chooses what goes when it is full. lru-cache is one as well. */
export interface EntryStore<V> {
  /** Entries held; never more than the bound. */
  readonly size: number;
  /** The sizes of the entries held, added up, where they are limited as well; lru-cache's name for it. */
  readonly calculatedSize?: number;
  /** The value, or `undefined`; counts as a use. */
  get(key: string): V | undefined;
  /** As `get`, but no use. */
  peek(key: string): V | undefined;
  /** Puts a value in, at the cost of another when there is no room; counts as a use when the key is held. */
  set(key: string, value: V): unknown;
  /** @returns whether the key was held. */
  delete(key: string): boolean;
  clear(): void;
}
