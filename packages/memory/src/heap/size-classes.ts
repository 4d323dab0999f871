/**
 * Size classes of the heap, four a doubling: 64, 128, 192, 256, 320, 384, 448, 512, 640, 768, … 8192 bytes.
 * A block wastes at most a fifth of itself (plus what brings it up to 64 bytes). Anything larger is a run of pages.
 */

/** Every block starts at a multiple of this: a cache line, and the widest vector register there is. */
export const ALIGNMENT_BYTES = 64;

/** The largest block that shares a span with others. */
export const SMALL_LIMIT_BYTES = 8192;

/** Block size of each class, ascending. */
export const CLASS_SIZES_BYTES: readonly number[] = buildClasses();

/** Class of a size, by its number of 64-byte units rounded up. */
const CLASS_OF_UNITS: Uint8Array = buildTable();

/** The smallest class whose blocks hold `sizeBytes`, which is at most {@link SMALL_LIMIT_BYTES}; 0 counts as 1. */
export function classOf(sizeBytes: number): number {
  return CLASS_OF_UNITS[(sizeBytes + ALIGNMENT_BYTES - 1) >>> 6]!;
}

function buildClasses(): number[] {
  const sizes = [64, 128, 192];
  for (let base = 256; base < SMALL_LIMIT_BYTES; base *= 2) {
    for (let quarter = 0; quarter < 4; quarter++) sizes.push(base + (base / 4) * quarter);
  }
  sizes.push(SMALL_LIMIT_BYTES);
  return sizes;
}

function buildTable(): Uint8Array {
  const table = new Uint8Array(SMALL_LIMIT_BYTES / ALIGNMENT_BYTES + 1);
  let classIndex = 0;
  for (let units = 1; units < table.length; units++) {
    while (CLASS_SIZES_BYTES[classIndex]! < units * ALIGNMENT_BYTES) classIndex++;
    table[units] = classIndex;
  }
  return table;
}
