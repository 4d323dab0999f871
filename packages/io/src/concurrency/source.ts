import { describe } from '../arguments.ts';
import { ArgumentTypeError } from '../errors.ts';

/** Anything with items: arrays, generators, streams. */
export type Source<Item> = Iterable<Item> | AsyncIterable<Item>;

/** @throws {ArgumentTypeError} neither iterable nor async iterable */
export function iteratorOf<Item>(source: Source<Item>): Iterator<Item> | AsyncIterator<Item> {
  const { [Symbol.asyncIterator]: createAsync, [Symbol.iterator]: createSync } = Object(source) as Partial<
    Iterable<Item> & AsyncIterable<Item>
  >;
  if (typeof createAsync === 'function') return createAsync.call(source as AsyncIterable<Item>);
  if (typeof createSync === 'function') return createSync.call(source as Iterable<Item>);
  throw new ArgumentTypeError(`source: expected an iterable or an async iterable, got ${describe(source)}`);
}

export function isThenable<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  // Most are primitives: seen before a property is looked up.
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
  return typeof (value as PromiseLike<T>).then === 'function';
}
