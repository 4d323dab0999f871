/**
 * Moves `cursor` over the rows from 0 up to what `length` says, one result object for all of them: a generator would cost
 * ten times as much a row.
 */
export function iterateCursor<C extends { index: number }>(
  cursor: C,
  length: () => number,
): IterableIterator<C> {
  cursor.index = -1;
  const result: { done: boolean; value: C } = { done: false, value: cursor };
  const iterator: IterableIterator<C> = {
    next: () => {
      if (++cursor.index >= length()) result.done = true;
      return result as IteratorResult<C>;
    },
    [Symbol.iterator]: () => iterator,
  };
  return iterator;
}
