import { BufferDetachedError } from '../bytes/errors.ts';
import { checkInteger, describe } from '../check.ts';
import { ArgumentRangeError, ArgumentTypeError, CapacityError, DisposedError } from '../errors.ts';
import {
  ELEMENT_SIZE_BYTES,
  type ElementType,
  isElementType,
  type TypedArrayOf,
  viewOf,
} from '../heap/element-type.ts';
import { heap } from '../heap/process-heap.ts';
import { addressOf, allocate, free } from '../heap/views.ts';
import { type BorrowedMemory, checkBorrowed } from '../heap/borrowed-memory.ts';

/** What an element of type `T` reads as. */
export type ElementOf<T extends ElementType> = T extends 'i64' | 'u64' ? bigint : number;

/** Settings of a vector. */
export interface TypedVectorOptions<B extends ArrayBufferLike = SharedArrayBuffer> {
  /** Elements to make room for at once; 0 by default. */
  readonly capacity?: number | undefined;
  /** Growing beyond this many elements fails; 2^28 by default. */
  readonly maxLength?: number | undefined;
  /** Memory that the caller lends, instead of the heap's: its size is the capacity, and the vector cannot grow. */
  readonly memory?: BorrowedMemory<B> | undefined;
}

const DEFAULT_MAX_LENGTH = 2 ** 28;
/** What the first growth from nothing makes room for. */
const MINIMUM_CAPACITY = 16;

/** An index of any typed array here: writing goes through it, since TypeScript cannot join the ten `set` signatures. */
interface Elements<V> {
  readonly length: number;
  [index: number]: V;
  set(source: ArrayLike<V>, offset?: number): void;
  copyWithin(to: number, from: number, end: number): unknown;
  subarray(start: number, end: number): Elements<V>;
}

/**
 * A typed array that grows: elements in one block, room for more behind them.
 *
 * **Memory.** On the process's shared heap, where kernels and other threads reach it, so it must be released; or memory
 * that you lend. Growing at least doubles the capacity and copies once, so n pushes cost O(n); reserve what you know.
 *
 * **Views.** {@link TypedVector.view} and {@link TypedVector.array} alias the elements until the next growth or release;
 * after that they are raw memory that may be somebody else's. Values are stored as typed arrays store them: integers
 * wrap, floats round.
 *
 * @example
 * using samples = new TypedVector('f32', { capacity: 1024 });
 * samples.push(0.5);
 * sum(samples.view()); // a Float32Array in the heap
 */
export class TypedVector<T extends ElementType, B extends ArrayBufferLike = SharedArrayBuffer> {
  readonly type: T;
  readonly #maxLength: number;
  readonly #isBorrowed: boolean;
  #elements: Elements<ElementOf<T>>;
  #length = 0;
  #capacity: number;
  #isReleased = false;

  /**
   * @throws ArgumentTypeError, ArgumentRangeError when an argument is invalid.
   * @throws ResizableBufferError when the lent buffer can be resized.
   * @throws HeapExhaustedError, HeapOwnerError as `allocate`.
   */
  constructor(type: T, options: TypedVectorOptions<B> = {}) {
    if (!isElementType(type)) {
      throw new ArgumentTypeError(
        `type: expected one of ${Object.keys(ELEMENT_SIZE_BYTES).join(', ')}, got ${describe(type)}`,
      );
    }
    if (typeof options !== 'object' || options === null) {
      throw new ArgumentTypeError(`options: expected an object, got ${describe(options)}`);
    }
    const { capacity = 0, maxLength = DEFAULT_MAX_LENGTH, memory } = options;
    checkInteger('maxLength', maxLength, 0, 2 ** 32);
    checkInteger('capacity', capacity, 0, maxLength);
    this.type = type;
    this.#isBorrowed = memory !== undefined;
    let array: TypedArrayOf<T, ArrayBufferLike>;
    if (memory === undefined) array = allocate(type, capacity);
    else {
      const { buffer, byteOffset, byteLength } = checkBorrowed(memory);
      array = viewOf(type, buffer, byteOffset, Math.floor(byteLength / ELEMENT_SIZE_BYTES[type]));
    }
    this.#elements = array as unknown as Elements<ElementOf<T>>;
    this.#capacity = memory === undefined ? capacity : array.length;
    this.#maxLength = memory === undefined ? maxLength : array.length;
  }

  /** Number of elements; 0 once released. */
  get length(): number {
    return this.#length;
  }

  /** Number of elements that fit before the next growth. */
  get capacity(): number {
    return this.#capacity;
  }

  /**
   * All of the memory, spare capacity included: for loops that index it up to {@link TypedVector.length}. Read it again
   * after growth. O(1), no view is made.
   *
   * @throws DisposedError after release. So do all methods below.
   */
  get array(): TypedArrayOf<T, B> {
    this.checkUsable();
    return this.#elements as unknown as TypedArrayOf<T, B>;
  }

  /** The elements as a new view that aliases them, about 100 ns. */
  view(): TypedArrayOf<T, B> {
    this.checkUsable();
    return this.#elements.subarray(0, this.#length) as unknown as TypedArrayOf<T, B>;
  }

  /**
   * Appends an element. Amortised O(1).
   *
   * @throws CapacityError beyond `maxLength` or the lent memory.
   */
  push(value: ElementOf<T>): void {
    const index = this.#length;
    // The array's own length: it is 0 once a lent buffer was transferred, and `grow` says so.
    if (index >= this.#elements.length) this.growBy(1);
    this.#elements[index] = value;
    this.#length = index + 1;
  }

  /** Appends all elements of an array, at the cost of a copy. @throws CapacityError as {@link TypedVector.push}. */
  pushAll(source: ArrayLike<ElementOf<T>>): void {
    this.checkUsable();
    const count: unknown = (source as ArrayLike<ElementOf<T>> | null | undefined)?.length;
    checkInteger('source.length', count, 0, 2 ** 32);
    // The old block is freed last, as `source` may be a view of it.
    const old = this.#length + count > this.#capacity ? this.grow(count) : undefined;
    try {
      this.#elements.set(source, this.#length);
    } finally {
      if (old !== undefined) free(old);
    }
    this.#length += count;
  }

  /** Takes the last element off, or returns `undefined` when there is none. */
  pop(): ElementOf<T> | undefined {
    this.checkUsable();
    return this.#length === 0 ? undefined : this.#elements[--this.#length];
  }

  /** The element at `index`. @throws ArgumentRangeError when there is none. */
  get(index: number): ElementOf<T> {
    const value = index >= 0 && index < this.#length ? this.#elements[index] : undefined;
    // A fractional index reads undefined, as everything does once a lent buffer was transferred.
    return value === undefined ? this.badIndex(index) : value;
  }

  /** Replaces the element at `index`. @throws ArgumentRangeError when there is none. */
  set(index: number, value: ElementOf<T>): void {
    this.get(index);
    this.#elements[index] = value;
  }

  /** Puts an element before `index`. O(elements behind). @throws ArgumentRangeError beyond the end; CapacityError. */
  insert(index: number, value: ElementOf<T>): void {
    this.checkUsable();
    checkInteger('index', index, 0, this.#length);
    if (this.#length >= this.#capacity) this.growBy(1);
    // Stored behind the end first: a value that no element can hold throws, and must not leave a gap.
    this.#elements[this.#length] = value;
    const stored = this.#elements[this.#length]!;
    this.shift(index + 1, index);
    this.#elements[index] = stored;
    this.#length++;
  }

  /** Takes the element at `index` out, keeping the order. O(elements behind). @throws ArgumentRangeError when there is none. */
  remove(index: number): ElementOf<T> {
    const value = this.get(index);
    this.shift(index, index + 1);
    this.#length--;
    return value;
  }

  /** Takes the element at `index` out and puts the last one in its place. O(1). @throws ArgumentRangeError when there is none. */
  swapRemove(index: number): ElementOf<T> {
    const value = this.get(index);
    this.#elements[index] = this.#elements[--this.#length]!;
    return value;
  }

  /**
   * Makes room for `additional` elements more.
   *
   * @throws ArgumentRangeError when it is negative, fractional or NaN.
   * @throws CapacityError beyond `maxLength` or the lent memory.
   */
  reserve(additional: number): void {
    this.checkUsable();
    checkInteger('additional', additional, 0, 2 ** 32);
    if (this.#length + additional > this.#capacity) this.growBy(additional);
  }

  /** Keeps the first `length` elements, and the capacity. @throws ArgumentRangeError when there are fewer. */
  truncate(length: number): void {
    this.checkUsable();
    checkInteger('length', length, 0, this.#length);
    this.#length = length;
  }

  /** Forgets all elements, keeps the capacity. */
  clear(): void {
    this.truncate(0);
  }

  /** Gives spare capacity back by moving to a block that fits; nothing over lent memory. */
  shrink(): void {
    this.checkUsable();
    if (!this.#isBorrowed && this.#capacity > this.#length) free(this.moveTo(this.#length));
  }

  /** The elements in order. The vector may grow meanwhile; what is pushed is visited too. */
  *[Symbol.iterator](): Generator<ElementOf<T>, void, undefined> {
    for (let i = 0; i < this.#length; i++) yield this.#elements[i]!;
  }

  /** The elements as an ordinary array. */
  toArray(): ElementOf<T>[] {
    this.checkUsable();
    return Array.from({ length: this.#length }, (_, i) => this.#elements[i]!);
  }

  /**
   * Gives the memory back to the heap, or to its lender.
   *
   * @throws DisposedError when it was released already.
   */
  release(): void {
    if (this.#isReleased) throw new DisposedError('The vector was released');
    const array = this.#elements as unknown as ArrayBufferView;
    this.#isReleased = true;
    this.#length = 0;
    this.#capacity = 0;
    this.#elements = viewOf(this.type, new ArrayBuffer(0), 0, 0) as unknown as Elements<ElementOf<T>>;
    if (!this.#isBorrowed) free(array);
  }

  /** {@link TypedVector.release}, except that a released vector is left alone. */
  [Symbol.dispose](): void {
    if (!this.#isReleased) this.release();
  }

  private growBy(additional: number): void {
    free(this.grow(additional));
  }

  /** Makes room for `additional` elements more; returns the old block, which the caller frees. */
  private grow(additional: number): ArrayBufferView {
    this.checkUsable();
    const needed = this.#length + additional;
    if (needed > this.#maxLength) {
      throw new CapacityError(`${needed} elements: expected at most ${this.#maxLength}`);
    }
    return this.moveTo(Math.min(Math.max(needed, this.#capacity * 2, MINIMUM_CAPACITY), this.#maxLength));
  }

  private moveTo(capacity: number): ArrayBufferView {
    const old = this.#elements;
    const array = allocate(this.type, capacity) as unknown as Elements<ElementOf<T>>;
    const usedBytes = this.#length * ELEMENT_SIZE_BYTES[this.type];
    heap().copy(
      addressOf(array as unknown as ArrayBufferView),
      addressOf(old as unknown as ArrayBufferView),
      usedBytes,
    );
    this.#elements = array;
    this.#capacity = capacity;
    return old as unknown as ArrayBufferView;
  }

  /** Moves the elements from `from` to the end to `to`. */
  private shift(to: number, from: number): void {
    if (this.#isBorrowed) {
      this.#elements.copyWithin(to, from, this.#length);
      return;
    }
    const elementBytes = ELEMENT_SIZE_BYTES[this.type];
    const address = addressOf(this.#elements as unknown as ArrayBufferView);
    const movedBytes = (this.#length - from) * elementBytes;
    heap().copy(address + to * elementBytes, address + from * elementBytes, movedBytes);
  }

  private checkUsable(): void {
    if (this.#isReleased) throw new DisposedError('The vector was released');
    if (this.#elements.length < this.#capacity)
      throw new BufferDetachedError('The lent buffer was transferred away');
  }

  private badIndex(index: number): never {
    this.checkUsable();
    throw new ArgumentRangeError(
      `index: expected an integer from 0 to ${this.#length - 1}, got ${describe(index)}`,
    );
  }
}
