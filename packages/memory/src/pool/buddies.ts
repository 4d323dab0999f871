/**
 * Offsets of blocks in a piece of memory, in sizes that double from class to class: a block is cut from one twice as
 * large, and joined with the half beside it, its buddy, once both are free
 * (https://en.wikipedia.org/wiki/Buddy_memory_allocation).
 *
 *     class 2  │        A         │        B         │  what is left over  │
 *     class 1  │        A         │   B1   │   B2    │     C     │
 *     class 0  │        A         │   B1   │ b │ b  │     C     │ D │
 *
 * Invariant: free blocks do not overlap each other or a block that is out, and of two buddies one at most is free.
 */
export class Buddies {
  /** Free offsets of each class. */
  readonly #free: Set<number>[];
  readonly #sizes: readonly number[];

  /** @param sizes the classes, powers of two, each twice the one before. */
  constructor(sizes: readonly number[], totalBytes: number) {
    this.#sizes = sizes;
    this.#free = sizes.map(() => new Set());
    let offset = 0;
    for (let index = sizes.length - 1; index >= 0; index--) {
      for (; offset + sizes[index]! <= totalBytes; offset += sizes[index]!) this.#free[index]!.add(offset);
    }
  }

  /** The offset of a block of the class, or `undefined` when none can be had. O(classes). */
  take(classIndex: number): number | undefined {
    for (let index = classIndex; index < this.#free.length; index++) {
      const free = this.#free[index]!;
      for (const offset of free) {
        free.delete(offset);
        while (index > classIndex) this.#free[--index]!.add(offset + this.#sizes[index]!);
        return offset;
      }
    }
    return undefined;
  }

  /** Frees a block that was taken. O(classes). */
  give(offset: number, classIndex: number): void {
    let index = classIndex;
    let start = offset;
    for (; index < this.#sizes.length - 1; index++) {
      const sizeBytes = this.#sizes[index]!;
      const isSecond = Math.floor(start / sizeBytes) % 2 === 1;
      const buddy = isSecond ? start - sizeBytes : start + sizeBytes;
      if (!this.#free[index]!.delete(buddy)) break;
      if (isSecond) start = buddy;
    }
    this.#free[index]!.add(start);
  }
}
