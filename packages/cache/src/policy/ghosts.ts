/** FNV-1a with a finish that spreads it over all bits; never 0, which marks an empty place. */
export function fingerprint(key: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0 || 1;
}

/**
 * The last `count` keys that went, by fingerprint: a ring for their age and a table to find them, 12 bytes a key or so.
 *
 * Two fingerprints may want one place of the table, and the later one has it; two keys may have one fingerprint. Either
 * only costs a key its second chance, or gives one to another.
 */
export class Ghosts {
  readonly #ring: Uint32Array;
  readonly #table: Uint32Array;
  readonly #mask: number;
  #oldest = 0;

  constructor(count: number) {
    this.#ring = new Uint32Array(count);
    let size = 2;
    while (size < 2 * count) size *= 2;
    this.#table = new Uint32Array(size);
    this.#mask = size - 1;
  }

  add(print: number): void {
    const gone = this.#ring[this.#oldest]!;
    if (gone !== 0 && this.#table[gone & this.#mask] === gone) this.#table[gone & this.#mask] = 0;
    this.#ring[this.#oldest] = print;
    this.#table[print & this.#mask] = print;
    this.#oldest = this.#oldest + 1 === this.#ring.length ? 0 : this.#oldest + 1;
  }

  /** Whether it is remembered; it is not any more afterwards. */
  take(print: number): boolean {
    if (this.#table[print & this.#mask] !== print) return false;
    this.#table[print & this.#mask] = 0;
    return true;
  }

  clear(): void {
    this.#ring.fill(0);
    this.#table.fill(0);
    this.#oldest = 0;
  }
}
