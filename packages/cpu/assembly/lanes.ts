// Constants and small inlined pieces that every kernel shares.
//
// Conventions of this folder:
// - Pointers are byte addresses in the imported memory; `count` is in elements, at least 0.
// - No kernel checks anything: types, lengths, liveness and overlap were checked by the caller.
// - No data segments, no globals, no allocation: the memory belongs to @hotpath/memory.
// - An exported kernel is named `<operation>_<type>` and is one line: the body is generic in the element type, so a
//   family gains a type by one more line.

/** Bytes of a vector register. */
// @ts-ignore: decorator
@inline export const LANE_BYTES: usize = 16;

/** Bytes of one turn of an unrolled elementwise loop: four registers, one cache line. */
// @ts-ignore: decorator
@inline export const BLOCK_BYTES: usize = 64;

/** Bytes of one turn of a reduction: eight accumulators hide the latency of the addition (1 against 8: 2-4 times slower). */
// @ts-ignore: decorator
@inline export const REDUCE_BYTES: usize = 128;

/** Adds the four lanes pairwise: (0 + 2) + (1 + 3). */
// @ts-ignore: decorator
@inline
export function sumLanes(v: v128): f32 {
  return f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 2) + (f32x4.extract_lane(v, 1) + f32x4.extract_lane(v, 3));
}
