import { KIND, Span, SpanList } from './span.ts';

/**
 * Runs of pages: taken by a segregated good fit, coalesced with both neighbours when they come back.
 *
 * ```
 * page    0        1..16     17..40      41..            #entries
 *         reserved small     free        large           one reference a page
 *                  span      span        span
 * ```
 *
 * Every page of a span in use points at the span, so that an address inside a block finds it. Of a free run only the first and the
 * last entry are kept true, which is all that coalescing reads; entries between may point at a span that no longer
 * covers them, so {@link PageRuns.spanAt} checks the range.
 *
 * Invariants: spans tile pages 1 to `pageCount - 1` without gap or overlap; no two free runs touch.
 */
export class PageRuns {
  readonly #entries: (Span | undefined)[];
  readonly #bins: SpanList[] = [];
  readonly #grow: (minimumPages: number) => number;
  /** Pages from here on were never handed out, so they are still zero. */
  #untouchedFrom: number;

  /**
   * @param firstPage first page to manage; those before it are never handed out.
   * @param pageCount pages that exist now.
   * @param grow adds at least so many pages and returns how many exist then; throws when it cannot.
   */
  constructor(firstPage: number, pageCount: number, grow: (minimumPages: number) => number) {
    this.#grow = grow;
    this.#entries = Array.from({ length: firstPage }, () => undefined);
    this.#untouchedFrom = firstPage;
    for (let i = 0; i < BIN_COUNT; i++) this.#bins.push(new SpanList());
    this.#append(pageCount);
  }

  /** Pages that exist, those never handed out included. */
  get pageCount(): number {
    return this.#entries.length;
  }

  /** First page that was never handed out. */
  get untouchedFrom(): number {
    return this.#untouchedFrom;
  }

  /** The span that covers a page, whatever its kind; `undefined` when there is none. */
  spanAt(page: number): Span | undefined {
    const span = this.#entries[page];
    return span !== undefined && page >= span.start && page < span.start + span.pageCount ? span : undefined;
  }

  /** Takes a run of exactly `pageCount` pages; grows when no free run is long enough. Its kind is left to the caller. */
  take(pageCount: number): Span {
    let span = this.#find(pageCount);
    if (span === undefined) {
      const last = this.#entries.at(-1);
      const tail = last !== undefined && last.kind === KIND.free ? last.pageCount : 0;
      this.#append(this.#grow(pageCount - tail));
      span = this.#find(pageCount)!;
    }
    this.#bins[binOf(span.pageCount)]!.remove(span);
    if (span.pageCount > pageCount) {
      const rest = new Span(span.start + pageCount, span.pageCount - pageCount, KIND.free);
      span.pageCount = pageCount;
      this.#insert(rest);
    }
    for (let page = span.start, end = span.start + pageCount; page < end; page++) this.#entries[page] = span;
    this.#untouchedFrom = Math.max(this.#untouchedFrom, span.start + pageCount);
    return span;
  }

  /** Gives a run back and merges it with the free runs on both sides. */
  giveBack(span: Span): void {
    span.becomeFree();
    const before = this.#entries[span.start - 1];
    if (before !== undefined && before.kind === KIND.free) this.#absorb(span, before, before.start);
    const after = this.#entries[span.start + span.pageCount];
    if (after !== undefined && after.kind === KIND.free) this.#absorb(span, after, span.start);
    this.#insert(span);
  }

  /** Each span in the order of its pages, free runs included. */
  *spans(): IterableIterator<Span> {
    for (let page = 0; page < this.#entries.length;) {
      const span = this.#entries[page];
      if (span === undefined) {
        page++;
        continue;
      }
      yield span;
      page = span.start + span.pageCount;
    }
  }

  /** Pages of the longest free run. */
  longestFree(): number {
    for (let bin = BIN_COUNT - 1; bin >= 0; bin--) {
      let longest = 0;
      for (let span = this.#bins[bin]!.head; span !== undefined; span = span.next) {
        longest = Math.max(longest, span.pageCount);
      }
      if (longest > 0) return longest;
    }
    return 0;
  }

  /** What is wrong with the tiling or the bins, or `undefined` when all holds. O(pages). */
  fault(): string | undefined {
    let expected = -1;
    let previous: Span | undefined;
    let freeRuns = 0;
    for (const span of this.spans()) {
      if (expected !== -1 && span.start !== expected)
        return `a span starts at page ${span.start}, not ${expected}`;
      if (span.kind === KIND.dead) return `page ${span.start} belongs to a dead span`;
      const last = span.start + span.pageCount - 1;
      if (this.#entries[last] !== span) return `page ${last} does not point at the span that ends there`;
      if (span.kind === KIND.free) {
        freeRuns++;
        if (previous?.kind === KIND.free) return `free runs touch at page ${span.start}`;
        if (!span.isListed) return `the free run at page ${span.start} is in no bin`;
      } else {
        for (let page = span.start; page <= last; page++) {
          if (this.#entries[page] !== span) return `page ${page} does not point at its span`;
        }
      }
      expected = span.start + span.pageCount;
      previous = span;
    }
    if (expected !== this.#entries.length) return `spans end at page ${expected} of ${this.#entries.length}`;
    let listed = 0;
    for (let bin = 0; bin < BIN_COUNT; bin++) {
      for (let span = this.#bins[bin]!.head; span !== undefined; span = span.next) {
        if (span.kind !== KIND.free || binOf(span.pageCount) !== bin) return `bin ${bin} holds a wrong span`;
        listed++;
      }
    }
    return listed === freeRuns ? undefined : `${listed} free runs are in bins, ${freeRuns} exist`;
  }

  #append(pageCount: number): void {
    const start = this.#entries.length;
    if (pageCount <= start) return;
    const span = new Span(start, pageCount - start, KIND.free);
    for (let page = start; page < pageCount; page++) this.#entries.push(span);
    this.giveBack(span);
  }

  #absorb(span: Span, neighbour: Span, start: number): void {
    this.#bins[binOf(neighbour.pageCount)]!.remove(neighbour);
    neighbour.kind = KIND.dead;
    span.start = start;
    span.pageCount += neighbour.pageCount;
  }

  #insert(span: Span): void {
    this.#entries[span.start] = span;
    this.#entries[span.start + span.pageCount - 1] = span;
    this.#bins[binOf(span.pageCount)]!.add(span);
  }

  /** Own bin first, where runs may be too short, then any longer bin, where the first one does. */
  #find(pageCount: number): Span | undefined {
    const own = binOf(pageCount);
    for (let span = this.#bins[own]!.head; span !== undefined; span = span.next) {
      if (span.pageCount >= pageCount) return span;
    }
    for (let bin = own + 1; bin < BIN_COUNT; bin++) {
      const span = this.#bins[bin]!.head;
      if (span !== undefined) return span;
    }
    return undefined;
  }
}

/** Four bins a doubling, up to the 2^20 pages of 4 GiB. */
const BIN_COUNT = 84;

function binOf(pageCount: number): number {
  if (pageCount < 4) return pageCount;
  const exponent = 31 - Math.clz32(pageCount);
  return exponent * 4 + ((pageCount >>> (exponent - 2)) & 3);
}
