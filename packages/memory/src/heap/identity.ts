import type { WasmMemory } from './wasm-memory.ts';

/** "HPH1", the first word of a heap. */
const MAGIC = 0x31_48_50_48;

/** Words of the first page. */
const WORD = { magic: 0, nonce0: 1, nonce1: 2, nonce2: 3, challenge: 4, count: 5 } as const;

/**
 * Tells the heap's memory from any other. One memory is seen through many buffer objects: each `grow` makes one, and so
 * does each view that is posted to another thread. So a buffer that was not seen before is asked: it must hold the
 * heap's nonce, and a counter that is raised in the heap must rise in it too (a copy holds the nonce and fails this).
 */
export class HeapIdentity {
  readonly #memory: WasmMemory;
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #heaps = new WeakSet<SharedArrayBuffer>();
  readonly #others = new WeakSet<SharedArrayBuffer>();
  #last: ArrayBufferLike;

  constructor(memory: WasmMemory, isOwner: boolean) {
    this.#memory = memory;
    this.#last = memory.buffer;
    this.#words = new Int32Array(memory.buffer, 0, WORD.count);
    if (!isOwner) return;
    crypto.getRandomValues(new Uint32Array(3)).forEach((value, i) => {
      this.#words[WORD.nonce0 + i] = value | 0;
    });
    this.#words[WORD.magic] = MAGIC;
  }

  /** Whether `buffer` is the heap's memory. */
  isHeap(buffer: ArrayBufferLike): boolean {
    if (buffer === this.#last) return true;
    if (!(buffer instanceof SharedArrayBuffer)) return false;
    if (this.#others.has(buffer)) return false;
    if (!this.#heaps.has(buffer)) {
      if (buffer !== this.#memory.buffer && !this.#answers(buffer)) {
        this.#others.add(buffer);
        return false;
      }
      this.#heaps.add(buffer);
    }
    this.#last = buffer;
    return true;
  }

  /** What overwrote the first page, or `undefined`. */
  fault(): string | undefined {
    return this.#words[WORD.magic] === MAGIC ? undefined : 'its first page was overwritten';
  }

  #answers(buffer: SharedArrayBuffer): boolean {
    if (buffer.byteLength < WORD.count * Int32Array.BYTES_PER_ELEMENT) return false;
    const words = new Int32Array(buffer, 0, WORD.count);
    for (let i = 0; i < WORD.challenge; i++) if (words[i] !== this.#words[i]) return false;
    const before = Atomics.load(words, WORD.challenge);
    Atomics.add(this.#words, WORD.challenge, 1);
    return Atomics.load(words, WORD.challenge) !== before;
  }
}
