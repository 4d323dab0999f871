import { allocate, configureHeap, free, heap } from '@hotpath/memory';
import { expect, test } from 'vitest';

// A file of its own, because a process configures its heap once.
configureHeap({ maximumBytes: 3_000_000 });

test('the maximum is rounded up to pages, and reaching it is a typed error that loses nothing', () => {
  expect(heap().maximumBytes).toBe(46 * 65_536);
  const views = [];
  for (;;) {
    try {
      views.push(allocate('u8', 300_000));
    } catch (error) {
      expect(error).toMatchObject({ code: 'ERR_HOTPATH_MEMORY_HEAP_EXHAUSTED' });
      expect((error as Error).message).toContain('configureHeap');
      break;
    }
  }
  expect(views.length).toBe(9);
  heap().checkInvariants();
  expect(heap().stats().capacityBytes).toBeLessThanOrEqual(heap().maximumBytes);
  for (const view of views) free(view);
  // All of it is one block again.
  free(allocate('u8', 2_900_000));
  heap().checkInvariants();
});

test('small blocks use the heap up to the last span', () => {
  const addresses: number[] = [];
  expect(() => {
    for (;;) addresses.push(heap().allocate(64));
  }).toThrowError(/The heap is full/);
  expect(addresses.length).toBe((45 * 65_536) / 64);
  expect(new Set(addresses).size).toBe(addresses.length);
  for (const address of addresses) heap().free(address);
  heap().checkInvariants();
});
