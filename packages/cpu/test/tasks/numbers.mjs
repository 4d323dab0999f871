// Tasks for the tests of the parallel map. Plain JavaScript: worker threads load it as it is.
import { threadId } from 'node:worker_threads';

/** The guide's function: 1000 dependent integer steps. */
export function crunch(x) {
  let acc = x;
  for (let i = 0; i < 1000; i++) acc = Math.imul(acc, 17) % 997;
  return acc;
}

export default function addIndex(x, index) {
  return x + index;
}

export function negate(x) {
  return -x;
}

/** About a microsecond an item, a hundred for one in 64: skewed work. */
export function skewed(x, index) {
  let acc = x;
  const rounds = index % 64 === 0 ? 20_000 : 200;
  for (let i = 0; i < rounds; i++) acc = Math.imul(acc, 17) % 997;
  return acc;
}

export function bigCrunch(x) {
  crunch(Number(x & 1023n));
  return x * 3n;
}

export function threadOf(x) {
  crunch(x);
  return threadId;
}

/** Costs next to nothing. */
export function whichThread() {
  let sum = 0;
  for (let i = 0; i < 300; i++) sum += Math.sqrt(i);
  return sum > 0 ? threadId : -1;
}

export function typeOf(x) {
  return typeof x;
}

export const constant = 3;
export async function later(x) {
  return x;
}
