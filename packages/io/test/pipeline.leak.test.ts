import { expect, test } from 'vitest';
import { pipeline } from '@hotpath/io';

function heapBytes(): number {
  globalThis.gc!();
  return process.memoryUsage().heapUsed;
}

const ITEMS = 50_000;

const NOTHING: Record<string, (source: Iterable<number>) => AsyncIterable<number>> = {
  'a flatMap that waits for nothing': (source) => pipeline(source).flatMap(async () => []),
  'a flatMap to iterables that end late': (source) =>
    pipeline(source).flatMap(async function* (): AsyncGenerator<number> {}),
  'a filter that waits': (source) => pipeline(source, { batchSize: 1 }).filter(async () => false),
};

test.each(Object.keys(NOTHING))('%s holds no more for many items than for few', async (name) => {
  let heldBytes = 0;
  const source = (function* (): Generator<number> {
    for (let index = 0; index < 1000; index++) yield index;
    const before = heapBytes();
    for (let index = 0; index < ITEMS; index++) yield index;
    heldBytes = heapBytes() - before;
  })();
  for await (const _item of NOTHING[name]!(source)) expect.unreachable();
  expect(heldBytes).toBeLessThan(20 * ITEMS);
});
