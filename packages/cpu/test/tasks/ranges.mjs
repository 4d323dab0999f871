// Tasks for the tests of reduce, filter and forEachRange.

import { isMainThread } from 'node:worker_threads';

export const add = (total, x) => total + x;
export const greatest = (a, b) => (a > b ? a : b);
export const isOdd = (x) => (x & 1) === 1;
export const wrong = () => 'text';

/** Over ones; tells the sums of blocks, which are the only totals of 1024 and more. */
export function addElsewhere(total, x, index) {
  if (isMainThread) throw new Error('the calling thread takes no part');
  if (total >= 1024 && index % 1024 !== 0) throw new Error(`a sum has the index ${index}`);
  return total + x;
}

/** Goes wrong where sums of blocks are added, and not before, over ones. */
export function throwsAtSums(total, x) {
  if (x > 1000) throw new RangeError('a large one');
  return total + x;
}

export function textAtSums(total, x) {
  return x > 1000 ? 'much' : total + x;
}

export function doubleRange(start, end, { input, output }) {
  for (let i = start; i < end; i++) {
    let x = input[i];
    for (let k = 0; k < 500; k++) x = Math.imul(x, 17) % 997;
    output[i] = x;
  }
}

/** Tells how long the range is that begins there. */
export function marks(start, end, { seen }) {
  seen[start] = end - start;
}

export function fails(start, end) {
  if (end > 900) throw new RangeError('too far');
}

export function exits() {
  process.exit(3);
}

export const shade = (rgba, index) => (rgba ^ index) >>> 0;

/** Until the caller opens the gate. */
export function waits(start, end, { gate }) {
  Atomics.wait(gate, 0, 0);
}
