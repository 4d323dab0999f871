import type { Readable } from 'node:stream';
import { describe } from '../arguments.ts';
import { ArgumentTypeError } from '../errors.ts';

/** Anything with items: arrays, generators, streams. */
export type Source<Item> = Iterable<Item> | AsyncIterable<Item>;

/** @throws {ArgumentTypeError} neither iterable nor async iterable */
export function iteratorOf<Item>(source: Source<Item>): Iterator<Item> | AsyncIterator<Item> {
  if (typeof (source as Partial<ReadableStream<Item>> | undefined)?.getReader === 'function') {
    return new WebIterator(source as ReadableStream<Item>);
  }
  const { [Symbol.asyncIterator]: createAsync, [Symbol.iterator]: createSync } = Object(source) as Partial<
    Iterable<Item> & AsyncIterable<Item>
  >;
  if (typeof createAsync === 'function') return createAsync.call(source as AsyncIterable<Item>);
  if (typeof createSync === 'function') return createSync.call(source as Iterable<Item>);
  throw new ArgumentTypeError(`source: expected an iterable or an async iterable, got ${describe(source)}`);
}

/**
 * Closes a source that has been asked for an item and may never answer. Other iterators than ours are closed behind
 * the answer, so a Node stream is destroyed.
 */
export async function abandon(
  source: Source<unknown>,
  iterator: Iterator<unknown> | AsyncIterator<unknown>,
): Promise<void> {
  const { pipe, destroy } = source as Partial<Readable>;
  if (typeof pipe === 'function' && typeof destroy === 'function') destroy.call(source as Readable);
  await iterator.return?.();
}

/** As the stream's own iterator, and closes it while an answer is waited for. */
class WebIterator<Item> implements AsyncIterator<Item, undefined> {
  readonly #reader: ReadableStreamDefaultReader<Item>;
  #isOver = false;

  constructor(stream: ReadableStream<Item>) {
    this.#reader = stream.getReader();
  }

  async next(): Promise<IteratorResult<Item, undefined>> {
    if (this.#isOver) return { done: true, value: undefined };
    let isOver = true;
    try {
      const { done, value } = await this.#reader.read();
      isOver = done;
      return done ? { done, value: undefined } : { done, value };
    } finally {
      if (isOver) this.#release();
    }
  }

  async return(): Promise<IteratorResult<Item, undefined>> {
    if (!this.#isOver) {
      const cancelled = this.#reader.cancel();
      this.#release();
      await cancelled;
    }
    return { done: true, value: undefined };
  }

  #release(): void {
    this.#isOver = true;
    this.#reader.releaseLock();
  }
}

export function isThenable<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  // Most are primitives: seen before a property is looked up.
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
  return typeof (value as PromiseLike<T>).then === 'function';
}
