import { CLASS_SIZES_BYTES } from './size-classes.ts';

/** Bytes of a page of the allocator (not of WebAssembly, whose pages are 64 KiB). */
export const PAGE_BYTES = 4096;

/** Pages of a span of small blocks: 64 KiB, so even the largest class has 8 blocks in it. */
export const SMALL_SPAN_PAGES = 16;

/** What a span is. A dead one was merged into its neighbour; page entries that still point at it mean "free". */
export const KIND = { dead: 0, free: 1, large: 2, quarantined: 3, small: 4 } as const;

/** What a block of a small span is. */
export const BLOCK = { free: 0, used: 1, quarantined: 2 } as const;

/** A run of pages, and what is in it. One shape for all kinds, so that every access to it is monomorphic. */
export class Span {
  /** First page. */
  start: number;
  pageCount: number;
  kind: number;
  /** Neighbours in the list that the span is in: the bin of free runs, or the spans of a class that have room. */
  previous: Span | undefined = undefined;
  next: Span | undefined = undefined;
  isListed = false;
  /** Only small spans: the class, its block size, and how many blocks there are. */
  classIndex = -1;
  blockBytes = 0;
  blockCount = 0;
  /** Only small spans: a stack of free block numbers, of which the first `freeCount` are valid. */
  freeBlocks: Uint16Array = EMPTY16;
  freeCount = 0;
  /** Only small spans: state of each block, one of {@link BLOCK}. */
  states: Uint8Array = EMPTY8;

  constructor(start: number, pageCount: number, kind: number) {
    this.start = start;
    this.pageCount = pageCount;
    this.kind = kind;
  }

  /** Makes the span one of small blocks, all of them free. */
  becomeSmall(classIndex: number): void {
    this.kind = KIND.small;
    this.classIndex = classIndex;
    this.blockBytes = CLASS_SIZES_BYTES[classIndex]!;
    this.blockCount = Math.floor((this.pageCount * PAGE_BYTES) / this.blockBytes);
    this.states = new Uint8Array(this.blockCount);
    this.freeBlocks = new Uint16Array(this.blockCount);
    this.freeCount = this.blockCount;
    // Lowest block on top, so that a fresh span is filled in order.
    for (let i = 0; i < this.blockCount; i++) this.freeBlocks[i] = this.blockCount - 1 - i;
  }

  /** Makes the span a plain run again. */
  becomeFree(): void {
    this.kind = KIND.free;
    this.classIndex = -1;
    this.blockBytes = 0;
    this.blockCount = 0;
    this.freeBlocks = EMPTY16;
    this.freeCount = 0;
    this.states = EMPTY8;
  }
}

const EMPTY8 = new Uint8Array(0);
const EMPTY16 = new Uint16Array(0);

/** A doubly linked list of spans; a span is in one list at most. */
export class SpanList {
  head: Span | undefined = undefined;

  add(span: Span): void {
    span.previous = undefined;
    span.next = this.head;
    if (this.head !== undefined) this.head.previous = span;
    this.head = span;
    span.isListed = true;
  }

  remove(span: Span): void {
    if (span.previous === undefined) this.head = span.next;
    else span.previous.next = span.next;
    if (span.next !== undefined) span.next.previous = span.previous;
    span.previous = undefined;
    span.next = undefined;
    span.isListed = false;
  }
}
