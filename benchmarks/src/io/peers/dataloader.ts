import DataLoader from 'dataloader';

/** As a batcher: no cache. Bounded as ours is, for a batch without a bound is not the same work. */
export function createLoader(
  maxItems: number,
  handler: (items: readonly number[]) => Promise<number[]>,
): { add(item: number): Promise<number> } {
  const loader = new DataLoader<number, number>(handler, { cache: false, maxBatchSize: maxItems });
  return { add: (item) => loader.load(item) };
}
