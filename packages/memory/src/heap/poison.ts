/** What freed memory is filled with in debug mode: floats read NaN, integers −1. */
export const POISON = 0xff;

/** Index of the first byte of `[from, to)` that is not `byte`, or −1. O(to − from). */
export function firstOther(bytes: Uint8Array, byte: number, from: number, to: number): number {
  for (let i = from; i < to; i++) if (bytes[i] !== byte) return i;
  return -1;
}
