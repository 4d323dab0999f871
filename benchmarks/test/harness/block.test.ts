import { expect, test } from 'vitest';
import { calibrate } from '../../dist/harness/block.js';

test('a warm-up goes on until as many operations have run as the case asks for', async () => {
  let count = 0;
  const loop = (operations: number): void => {
    count += operations;
    for (const end = performance.now() + 0.05 * operations; performance.now() < end;);
  };
  await calibrate(loop, 1, 1, 1000);
  expect(count).toBeGreaterThanOrEqual(1000);
});
