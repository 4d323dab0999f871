import type { Buffer } from 'node:buffer';
import { ROPE_UNITS, ropeLimitUnits, type FlushPolicy } from './flush-policy.ts';
import { MAX_BYTES_PER_UNIT, SlabPool } from './slab.ts';

/** A point in the order of bytes at which something else than a write happens. */
export interface Mark {
  readonly kind: 'reopen' | 'end';
  /** `reopen`: the file to go on with; the path of the one before when undefined. */
  readonly path: string | undefined;
  /** `end`: whether the bytes must be on the disk first. */
  readonly sync: boolean;
  resolve(): void;
  reject(error: unknown): void;
}

/** Sealed bytes, the unit of writing, or a mark with none; one shape for both keeps the pump's call sites monomorphic. */
export interface Chunk {
  readonly bytes: Uint8Array;
  readonly lengthBytes: number;
  /** A slab that goes back to the pool. */
  readonly slab: Buffer | undefined;
  readonly mark: Mark | undefined;
}

/** Below this a copy costs less than the call of write(2) that bytes of their own need. */
const MIN_OWNED_BYTES = 32 * 1024;
/** Most bytes of one chunk: `fs.write` takes its length for a 32-bit integer. */
const MAX_CHUNK_BYTES = 1 << 30;

const NO_BYTES = new Uint8Array(0);

/**
 * Turns writes into chunks, in order.
 *
 * ```
 *  write('…') ──► text  ── at 8192 units ──► slab ── when full ──► sealed ──► next()
 *                 a rope: += copies nothing   256 KiB, off-heap     chunks
 *  write(bytes) ─────────────── copied ────────►│
 *  writeOwned(bytes) ───────────────────────────────── as it is ────►│
 * ```
 * Appending to a rope costs a pointer, and encoding 8192 units at once costs half of encoding line by line (84 against
 * 158 ns a line of 100 bytes). Longer ropes would encode no faster and live long enough to be moved by the collector.
 *
 * Invariants: everything in `text` is younger than everything in `slab`, which is younger than everything sealed;
 * `text` starts with at most one unit that `textUnits` does not count, a high surrogate held back until its other half
 * comes: encoded alone each half would become U+FFFD.
 */
export class Intake {
  readonly #policy: FlushPolicy;
  readonly #pool: SlabPool;
  #text = '';
  #textUnits = 0;
  #ropeLimitUnits: number;
  /** Units that the text may have before a write has anything to decide; 0: the next one has. See `addQuietly()`. */
  #quietUnits = 0;
  #slab: Buffer | undefined;
  #filledBytes = 0;
  #sealed: Chunk[] = [];
  /** Bytes sealed and not taken by `next()`. */
  #sealedBytes = 0;
  /** Bytes taken by `next()` and not yet `landed()`. */
  #takenBytes = 0;
  #acceptedBytes = 0;

  constructor(policy: FlushPolicy) {
    this.#policy = policy;
    this.#pool = new SlabPool(policy.flushBytes);
    this.#ropeLimitUnits = ropeLimitUnits(0, policy);
  }

  /** Bytes taken in and encoded since the beginning: the position of the next byte. */
  get acceptedBytes(): number {
    return this.#acceptedBytes;
  }

  /** Bytes not yet written, with one byte for each unit of text that is not encoded; a half character held back is none. */
  get pendingBytes(): number {
    return this.#takenBytes + this.#sealedBytes + this.#filledBytes + this.#textUnits;
  }

  /** Pending bytes that `next()` has not handed out. */
  get bufferedBytes(): number {
    return this.#sealedBytes + this.#filledBytes + this.#textUnits;
  }

  get hasSealed(): boolean {
    return this.#sealed.length > 0;
  }

  /**
   * Adds text if nothing is to be done beyond that, which is so for all but one write in a hundred: it neither fills the
   * rope nor the buffer, and somebody will write it. False otherwise, and nothing was added.
   */
  addQuietly(text: string): boolean {
    const units = this.#textUnits + text.length;
    if (units >= this.#quietUnits) return false;
    this.#text += text;
    this.#textUnits = units;
    return true;
  }

  /** Lets text be added quietly below `limitBytes` pending; what happens to the rope in any other way ends it. */
  allowQuiet(limitBytes: number): void {
    this.#quietUnits = Math.min(this.#ropeLimitUnits, limitBytes - this.pendingBytes + this.#textUnits);
  }

  /** The next write has something to decide. */
  endQuiet(): void {
    this.#quietUnits = 0;
  }

  /** Adds text; true when there is enough for a write. */
  addText(text: string): boolean {
    this.#text += text;
    this.#textUnits += text.length;
    if (this.#textUnits < this.#ropeLimitUnits) return false;
    this.encodeText(false);
    return this.bufferedBytes >= this.#policy.flushBytes;
  }

  /** Adds a copy of the bytes; true when there is enough for a write. */
  addBytes(bytes: Uint8Array): boolean {
    if (bytes.byteLength === 0) return false;
    this.encodeText(true);
    const lengthBytes = bytes.byteLength;
    for (let start = 0; start < lengthBytes;) {
      const slab = (this.#slab ??= this.#pool.take());
      const end = Math.min(lengthBytes, start + this.#pool.slabBytes - this.#filledBytes);
      slab.set(start === 0 && end === lengthBytes ? bytes : bytes.subarray(start, end), this.#filledBytes);
      this.#filled(end - start);
      start = end;
      if (this.#filledBytes === this.#pool.slabBytes) this.#seal();
    }
    return this.bufferedBytes >= this.#policy.flushBytes;
  }

  /** Adds the bytes themselves, which nobody may change any more; true when there is enough for a write. */
  addOwned(bytes: Uint8Array): boolean {
    const lengthBytes = bytes.byteLength;
    if (lengthBytes < MIN_OWNED_BYTES) return this.addBytes(bytes);
    this.encodeText(true);
    this.#seal();
    for (let start = 0; start < lengthBytes; start += MAX_CHUNK_BYTES) {
      const part = lengthBytes > MAX_CHUNK_BYTES ? bytes.subarray(start, start + MAX_CHUNK_BYTES) : bytes;
      this.#sealed.push({ bytes: part, lengthBytes: part.byteLength, slab: undefined, mark: undefined });
    }
    this.#sealedBytes += lengthBytes;
    this.#acceptedBytes += lengthBytes;
    return this.bufferedBytes >= this.#policy.flushBytes;
  }

  /** Puts a mark behind everything taken in so far. */
  addMark(mark: Mark): void {
    this.encodeText(mark.kind === 'end');
    this.#seal();
    this.#sealed.push({ bytes: NO_BYTES, lengthBytes: 0, slab: undefined, mark });
  }

  /** Takes the marks out of the order and hands them over, for their owners to be told. */
  removeMarks(): Mark[] {
    const marks: Mark[] = [];
    for (const { mark } of this.#sealed) if (mark !== undefined) marks.push(mark);
    if (marks.length > 0) this.#sealed = this.#sealed.filter(({ mark }) => mark === undefined);
    return marks;
  }

  /** Encodes the text at hand. A trailing high surrogate stays behind unless this is the `last` text before other bytes. */
  encodeText(last: boolean): void {
    this.endQuiet();
    let text = this.#text;
    if (text.length === 0) return;
    let held = '';
    if (!last && isHighSurrogate(text.charCodeAt(text.length - 1))) {
      held = text.slice(-1);
      text = text.slice(0, -1);
    }
    this.#text = held;
    this.#textUnits = 0;
    if (text.length <= ROPE_UNITS) this.#encode(text);
    else this.#encodeLong(text);
    this.#ropeLimitUnits = ropeLimitUnits(this.bufferedBytes, this.#policy);
  }

  /** The oldest chunk, sealing what is at hand when there is none. Its bytes stay pending until `landed()`. */
  next(): Chunk | undefined {
    this.endQuiet();
    if (this.#sealed.length === 0) {
      this.encodeText(false);
      this.#seal();
    }
    const chunk = this.#sealed.shift();
    if (chunk !== undefined) {
      this.#sealedBytes -= chunk.lengthBytes;
      this.#takenBytes += chunk.lengthBytes;
      this.#ropeLimitUnits = ropeLimitUnits(this.bufferedBytes - this.#textUnits, this.#policy);
    }
    return chunk;
  }

  /** Puts bytes that were taken to be written, and are not, back in front. */
  putBack(bytes: Uint8Array): void {
    this.endQuiet();
    this.#sealed.unshift({ bytes, lengthBytes: bytes.byteLength, slab: undefined, mark: undefined });
    this.#sealedBytes += bytes.byteLength;
  }

  /** The bytes of a chunk of `next()` are written: they are no longer pending. */
  landed(chunk: Chunk): void {
    this.#takenBytes -= chunk.lengthBytes;
  }

  /** Nobody reads the chunk's memory any more. */
  recycle(chunk: Chunk): void {
    if (chunk.slab !== undefined) this.#pool.give(chunk.slab);
  }

  /** Forgets everything that is pending, marks and all. */
  clear(): void {
    this.endQuiet();
    this.#text = '';
    this.#textUnits = 0;
    this.#slab = undefined;
    this.#filledBytes = 0;
    this.#sealed = [];
    this.#sealedBytes = 0;
    this.#takenBytes = 0;
  }

  /** Text of at most a rope's length. */
  #encode(text: string): void {
    if (text.length * MAX_BYTES_PER_UNIT > this.#pool.slabBytes - this.#filledBytes) this.#seal();
    const slab = (this.#slab ??= this.#pool.take());
    this.#filled(slab.write(text, this.#filledBytes));
  }

  /** Longer text, in pieces that fill the slabs and split no pair. */
  #encodeLong(text: string): void {
    for (let start = 0; start < text.length;) {
      const roomUnits = Math.floor((this.#pool.slabBytes - this.#filledBytes) / MAX_BYTES_PER_UNIT);
      if (roomUnits < Math.min(ROPE_UNITS, text.length - start)) {
        this.#seal();
        continue;
      }
      let end = Math.min(text.length, start + roomUnits);
      if (end < text.length && isHighSurrogate(text.charCodeAt(end - 1))) end--;
      const slab = (this.#slab ??= this.#pool.take());
      this.#filled(slab.write(text.slice(start, end), this.#filledBytes));
      start = end;
    }
  }

  #filled(bytes: number): void {
    this.#filledBytes += bytes;
    this.#acceptedBytes += bytes;
  }

  #seal(): void {
    const slab = this.#slab;
    if (slab === undefined || this.#filledBytes === 0) return;
    this.#sealed.push({ bytes: slab, lengthBytes: this.#filledBytes, slab, mark: undefined });
    this.#sealedBytes += this.#filledBytes;
    this.#slab = undefined;
    this.#filledBytes = 0;
  }
}

function isHighSurrogate(unit: number): boolean {
  return (unit & 0xfc00) === 0xd800;
}
