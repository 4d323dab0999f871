import { PageRuns } from './page-runs.ts';
import { ALIGNMENT_BYTES, CLASS_SIZES_BYTES, classOf, SMALL_LIMIT_BYTES } from './size-classes.ts';
import { BLOCK, KIND, PAGE_BYTES, SMALL_SPAN_PAGES, type Span, SpanList } from './span.ts';

/** What became of a block that was to be freed. */
export type FreeOutcome = 'freed' | 'double-free' | 'foreign';

/** Counters of an allocator, cheap to read. */
export interface AllocatorCounters {
  usedBytes: number;
  usedBlocks: number;
  peakBytes: number;
  /** Blocks that went from used to quarantined and not yet to free. */
  quarantinedBytes: number;
}

/**
 * A size-class allocator over addresses alone: it never touches the memory that it divides, so nothing that is written
 * there can corrupt it.
 *
 * Up to 8 KiB a block comes from a 64 KiB span of equal blocks (a stack of free block numbers, so both directions are
 * O(1)); above, from a run of 4 KiB pages that coalesces when it is freed. Idea: spans and classes of tcmalloc
 * (https://google.github.io/tcmalloc/design.html), without its thread caches, as one thread alone allocates.
 *
 * Worst case of `allocate`: the free runs of one bin, when all of them are too short for a large block.
 */
export class Allocator {
  readonly counters: AllocatorCounters = { usedBytes: 0, usedBlocks: 0, peakBytes: 0, quarantinedBytes: 0 };
  readonly #runs: PageRuns;
  /** Spans of each class that have a free block. */
  readonly #partial: SpanList[] = CLASS_SIZES_BYTES.map(() => new SpanList());
  /** Of each class the one wholly free span that is kept, so that a lone block freed and taken again stays cheap. */
  readonly #spare: (Span | undefined)[] = CLASS_SIZES_BYTES.map(() => undefined);

  constructor(firstPage: number, pageCount: number, grow: (minimumPages: number) => number) {
    this.#runs = new PageRuns(firstPage, pageCount, grow);
  }

  get capacityBytes(): number {
    return this.#runs.pageCount * PAGE_BYTES;
  }

  /** Addresses from here on were never handed out. */
  get untouchedFromBytes(): number {
    return this.#runs.untouchedFrom * PAGE_BYTES;
  }

  /** Address of a block of at least `sizeBytes`, a checked integer. */
  allocate(sizeBytes: number): number {
    if (sizeBytes > SMALL_LIMIT_BYTES) {
      const span = this.#runs.take(Math.ceil(sizeBytes / PAGE_BYTES));
      span.kind = KIND.large;
      this.#count(span.pageCount * PAGE_BYTES);
      return span.start * PAGE_BYTES;
    }
    const classIndex = sizeBytes === 0 ? 0 : classOf(sizeBytes);
    const span = this.#partial[classIndex]!.head ?? this.#newSmallSpan(classIndex);
    if (this.#spare[classIndex] === span) this.#spare[classIndex] = undefined;
    const block = span.freeBlocks[--span.freeCount]!;
    span.states[block] = BLOCK.used;
    if (span.freeCount === 0) this.#partial[classIndex]!.remove(span);
    this.#count(span.blockBytes);
    return span.start * PAGE_BYTES + block * span.blockBytes;
  }

  /** Bytes of the used block that starts at `address`, or 0 when none does. */
  sizeOf(address: number): number {
    const span = this.#runs.spanAt(Math.floor(address / PAGE_BYTES));
    if (span === undefined) return 0;
    const offset = address - span.start * PAGE_BYTES;
    if (span.kind === KIND.large) return offset === 0 ? span.pageCount * PAGE_BYTES : 0;
    if (span.kind !== KIND.small || offset % span.blockBytes !== 0) return 0;
    return span.states[offset / span.blockBytes] === BLOCK.used ? span.blockBytes : 0;
  }

  /** Whether `address` lies in a used block, not only at its start. */
  isUsed(address: number): boolean {
    const span = this.#runs.spanAt(Math.floor(address / PAGE_BYTES));
    if (span === undefined) return false;
    if (span.kind === KIND.large) return true;
    if (span.kind !== KIND.small) return false;
    return span.states[Math.floor((address - span.start * PAGE_BYTES) / span.blockBytes)] === BLOCK.used;
  }

  /** Frees the block that starts at `address`. */
  free(address: number): FreeOutcome {
    return this.#leave(address, BLOCK.used, BLOCK.free);
  }

  /** Takes a used block out of use without making it free; {@link Allocator.release} does that. */
  quarantine(address: number): FreeOutcome {
    return this.#leave(address, BLOCK.used, BLOCK.quarantined);
  }

  /** Frees a quarantined block. */
  release(address: number): FreeOutcome {
    return this.#leave(address, BLOCK.quarantined, BLOCK.free);
  }

  /** Turns wholly free small spans back into page runs; returns the bytes that it gained. */
  trim(): number {
    let gained = 0;
    for (const [classIndex, span] of this.#spare.entries()) {
      if (span === undefined) continue;
      this.#spare[classIndex] = undefined;
      this.#partial[classIndex]!.remove(span);
      gained += span.pageCount * PAGE_BYTES;
      this.#runs.giveBack(span);
    }
    return gained;
  }

  /** Bytes of the longest free run: what one large block may have without growing. */
  longestFreeBytes(): number {
    return this.#runs.longestFree() * PAGE_BYTES;
  }

  /** What is inconsistent, or `undefined`. O(pages + blocks): for tests and the suspicious. */
  fault(): string | undefined {
    const found = this.#runs.fault();
    if (found !== undefined) return found;
    let usedBytes = 0;
    let quarantinedBytes = 0;
    let usedBlocks = 0;
    for (const span of this.#runs.spans()) {
      const spanBytes = span.pageCount * PAGE_BYTES;
      if (span.kind === KIND.large) {
        usedBytes += spanBytes;
        usedBlocks++;
      } else if (span.kind === KIND.quarantined) quarantinedBytes += spanBytes;
      else if (span.kind === KIND.small) {
        const fault = smallSpanFault(span);
        if (fault !== undefined) return fault;
        const used = countState(span, BLOCK.used);
        usedBlocks += used;
        usedBytes += used * span.blockBytes;
        quarantinedBytes += countState(span, BLOCK.quarantined) * span.blockBytes;
        if (span.freeCount === span.blockCount && this.#spare[span.classIndex] !== span) {
          return `the empty span at page ${span.start} was not given back`;
        }
      }
    }
    const { counters } = this;
    if (usedBytes !== counters.usedBytes) return `${usedBytes} bytes are used, ${counters.usedBytes} counted`;
    if (usedBlocks !== counters.usedBlocks)
      return `${usedBlocks} blocks are used, ${counters.usedBlocks} counted`;
    if (quarantinedBytes === counters.quarantinedBytes) return undefined;
    return `${quarantinedBytes} bytes are quarantined, ${counters.quarantinedBytes} counted`;
  }

  #newSmallSpan(classIndex: number): Span {
    const span = this.#runs.take(SMALL_SPAN_PAGES);
    span.becomeSmall(classIndex);
    this.#partial[classIndex]!.add(span);
    return span;
  }

  #leave(address: number, from: number, to: number): FreeOutcome {
    if (address % ALIGNMENT_BYTES !== 0) return 'foreign';
    const span = this.#runs.spanAt(address / PAGE_BYTES - ((address / PAGE_BYTES) % 1));
    if (span === undefined) return 'foreign';
    const offset = address - span.start * PAGE_BYTES;
    if (span.kind === KIND.small) return this.#leaveSmall(span, offset, from, to);
    if (span.kind === KIND.free) return 'double-free';
    if (offset !== 0) return 'foreign';
    if (span.kind !== (from === BLOCK.used ? KIND.large : KIND.quarantined)) return 'double-free';
    this.#uncount(span.pageCount * PAGE_BYTES, from, to);
    if (to === BLOCK.quarantined) span.kind = KIND.quarantined;
    else this.#runs.giveBack(span);
    return 'freed';
  }

  #leaveSmall(span: Span, offset: number, from: number, to: number): FreeOutcome {
    if (offset % span.blockBytes !== 0) return 'foreign';
    const block = offset / span.blockBytes;
    if (block >= span.blockCount) return 'foreign';
    if (span.states[block] !== from) return 'double-free';
    span.states[block] = to;
    this.#uncount(span.blockBytes, from, to);
    if (to === BLOCK.quarantined) return 'freed';
    const list = this.#partial[span.classIndex]!;
    if (span.freeCount === 0) list.add(span);
    span.freeBlocks[span.freeCount++] = block;
    if (span.freeCount === span.blockCount) this.#retire(span, list);
    return 'freed';
  }

  /** Keeps one empty span a class, gives the others back. */
  #retire(span: Span, list: SpanList): void {
    if (this.#spare[span.classIndex] === undefined) {
      this.#spare[span.classIndex] = span;
      return;
    }
    list.remove(span);
    this.#runs.giveBack(span);
  }

  #count(bytes: number): void {
    const { counters } = this;
    counters.usedBytes += bytes;
    counters.usedBlocks++;
    if (counters.usedBytes > counters.peakBytes) counters.peakBytes = counters.usedBytes;
  }

  #uncount(bytes: number, from: number, to: number): void {
    const { counters } = this;
    if (from === BLOCK.used) {
      counters.usedBytes -= bytes;
      counters.usedBlocks--;
    } else counters.quarantinedBytes -= bytes;
    if (to === BLOCK.quarantined) counters.quarantinedBytes += bytes;
  }
}

function countState(span: Span, state: number): number {
  let count = 0;
  for (const value of span.states) if (value === state) count++;
  return count;
}

function smallSpanFault(span: Span): string | undefined {
  if (countState(span, BLOCK.free) !== span.freeCount) {
    return `the span at page ${span.start} has ${countState(span, BLOCK.free)} free blocks, its stack ${span.freeCount}`;
  }
  for (let i = 0; i < span.freeCount; i++) {
    const block = span.freeBlocks[i]!;
    if (span.states[block] !== BLOCK.free)
      return `block ${block} of the span at page ${span.start} is on its stack and not free`;
  }
  return span.isListed === span.freeCount > 0
    ? undefined
    : `the span at page ${span.start} is in the wrong list`;
}
