/**
 * The control block of a call: the only memory that its threads share besides the data.
 *
 *   word 0        next item to claim; grows past the end
 *   word 16       items finished
 *   word 32       0, or why the call stops
 *   word 48 + s   participant s: its thread id + 1 while it may touch the data or has a failure to report, 0 before,
 *                 -1 afterwards
 *
 * Words that different threads write often are a cache line apart.
 *
 * Invariants: an item is claimed once; finished ≤ claimed; a participant sets its own word before it looks at the
 * stop word, and the caller sets the stop word before it looks at theirs, so after a stop a participant either is
 * seen here or leaves without having touched the data.
 */

const NEXT = 0;
const FINISHED = 16;
const STOP = 32;
const PRESENT = 48;
const LEFT = -1;

/** Why a call stops early. */
export const STOP_REASON = { none: 0, failed: 1, aborted: 2 } as const;

export type Control = Int32Array<SharedArrayBuffer>;

/** A fresh block for `participants` threads beside the caller. */
export function createControl(participants: number): Control {
  return new Int32Array(new SharedArrayBuffer((PRESENT + participants) * Int32Array.BYTES_PER_ELEMENT));
}

/** Items claimed so far; may exceed the number of items. */
export function claimed(control: Control): number {
  return Atomics.load(control, NEXT);
}

/** Claims `size` items and returns the first; the claim is void where that is past the end. */
export function claim(control: Control, size: number): number {
  return Atomics.add(control, NEXT, size);
}

/** Adds to the items finished. Everything written before is visible to whoever reads the sum. */
export function addFinished(control: Control, items: number): void {
  Atomics.add(control, FINISHED, items);
}

export function finished(control: Control): number {
  return Atomics.load(control, FINISHED);
}

/** Asks every thread to stop at its next grain. The first reason stays. */
export function stop(control: Control, reason: number): void {
  Atomics.compareExchange(control, STOP, STOP_REASON.none, reason);
}

export function isStopped(control: Control): boolean {
  return Atomics.load(control, STOP) !== STOP_REASON.none;
}

/** Whether a thread that came now would find nothing to do: all items are claimed, or the call stops. */
export function isExhausted({
  control,
  count,
}: {
  readonly control: Control;
  readonly count?: number;
}): boolean {
  return isStopped(control) || (count !== undefined && claimed(control) >= count);
}

/** Marks participant `slot` as touching the data. */
export function enter(control: Control, slot: number, threadId: number): void {
  Atomics.store(control, PRESENT + slot, threadId + 1);
}

/** Marks participant `slot` as done with the data. */
export function leave(control: Control, slot: number): void {
  Atomics.store(control, PRESENT + slot, LEFT);
}

/** Whether participant `slot` was there, and is done with the data. */
export function hasLeft(control: Control, slot: number): boolean {
  return Atomics.load(control, PRESENT + slot) === LEFT;
}

/** Makes `slot` ready for another job. */
export function clear(control: Control, slot: number): void {
  Atomics.store(control, PRESENT + slot, 0);
}

/** Thread id of participant `slot`, or -1 when it is not touching the data. */
export function presentThread(control: Control, slot: number): number {
  return Math.max(Atomics.load(control, PRESENT + slot), 0) - 1;
}
