import { execFileSync } from 'node:child_process';
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

test.runIf(process.platform === 'linux')(
  'address space that cannot be had is a typed error that says how to get it',
  () => {
    const script = `
    import { heap } from '@hotpath/memory';
    try { console.log(heap().maximumBytes); } catch (error) { console.log(error.code, error.message); }`;
    const run = (flags: string): string =>
      execFileSync(
        'sh',
        [
          '-c',
          `ulimit -v 6000000 && exec "$0" ${flags} --input-type=module -e "$1"`,
          process.execPath,
          script,
        ],
        {
          cwd: import.meta.dirname,
          encoding: 'utf8',
        },
      );
    // Node 20 reserves 10 GiB beside the maximum, Node 26 reserves less and gets by: either it works or it says what helps.
    expect(run('')).toMatch(
      /^(4294967296$|ERR_HOTPATH_MEMORY_HEAP_UNAVAILABLE .*--disable-wasm-trap-handler)/m,
    );
    expect(run('--disable-wasm-trap-handler')).toBe('4294967296\n');
  },
);
