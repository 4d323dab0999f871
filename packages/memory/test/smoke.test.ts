import { expect, test } from 'vitest';
import * as memory from '@hotpath/memory';
test('loads', () => {
  expect(memory).toBeDefined();
});
