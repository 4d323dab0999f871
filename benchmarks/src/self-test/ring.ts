/**
 * Two reads of a ring buffer, at an index wrapped by mask or by remainder: the smallest pair whose ratio is known, and the
 * one on which harnesses disagree most. The slots hold small integers, so that a read allocates nothing: a double stored in
 * the sink would be boxed, and the box costs as much as the read.
 */

/** A power of two, so that a mask wraps it. */
export const MASKED_SLOTS = 1024;
/** No power of two: V8 would replace the remainder by a mask of its own. */
export const DIVIDED_SLOTS = 1000;

export type Wrap = 'mask' | 'modulo';

/** The reader that a harness is given. */
export function ringReader(wrap: Wrap): () => number {
  const slots = wrap === 'mask' ? MASKED_SLOTS : DIVIDED_SLOTS;
  const ring = Int32Array.from({ length: slots }, (_, index) => index);
  const mask = slots - 1;
  let at = 0;
  const masked = (): number => {
    at = (at + 1) & mask;
    return ring[at]!;
  };
  const modulo = (): number => {
    at = (at + 1) % slots;
    return ring[at]!;
  };
  return wrap === 'mask' ? masked : modulo;
}

/**
 * A program that times the same read by hand: one loop, warmed, timed as a whole, the nanoseconds of a read printed. Run
 * it in a process of its own.
 */
export function byHand(wrap: Wrap): string {
  const slots = wrap === 'mask' ? MASKED_SLOTS : DIVIDED_SLOTS;
  const next = wrap === 'mask' ? '(at + 1) & mask' : '(at + 1) % slots';
  return `
const slots = ${slots}, mask = slots - 1, sink = { value: undefined };
const ring = Int32Array.from({ length: slots }, (_, index) => index);
let at = 0;
const read = () => { at = ${next}; return ring[at]; };
function loop(count) { for (let i = 0; i < count; i++) sink.value = read(); }
for (let i = 0; i < 60; i++) loop(5e5);
const begun = performance.now();
loop(3e7);
console.log((performance.now() - begun) / 3e7 * 1e6);`;
}
