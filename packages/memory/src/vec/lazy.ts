import { checkInteger, describe } from '../check.ts';
import { ArgumentTypeError } from '../errors.ts';

/** Takes one item; false means that it wants no more. */
type Sink<T> = (item: T) => boolean;

/**
 * A sequence of which nothing exists until it is asked for: items are made, pass through all steps one at a time, and are
 * dropped, so that the memory held does not grow with the length. Node 20 has no iterator helpers, and generators cost
 * about 34 ns an item and step; here a consumer drives the source by a chain of plain calls.
 *
 * A sequence can be consumed again if its source can. Consuming it while a step of it consumes it is undefined.
 *
 * @example
 * const total = lazyRange(0, 10_000)
 *   .map((i) => `user-${i}`)
 *   .filter((name) => name.endsWith('7'))
 *   .reduce((sum, name) => sum + name.length, 0);
 */
export class Lazy<T> implements Iterable<T> {
  /** Feeds items to a sink until it returns false; returns false then. */
  readonly #feed: (sink: Sink<T>) => boolean;
  /** The same items to a `for` loop. */
  readonly #iterate: () => Iterator<T>;

  /** Made by {@link lazy} and {@link lazyRange}. */
  private constructor(feed: (sink: Sink<T>) => boolean, iterate: () => Iterator<T>) {
    this.#feed = feed;
    this.#iterate = iterate;
  }

  /** @internal Checked by {@link lazy}. */
  static of<T>(source: Iterable<T>): Lazy<T> {
    return new Lazy(
      (sink) => {
        for (const item of source) if (!sink(item)) return false;
        return true;
      },
      () => source[Symbol.iterator](),
    );
  }

  /** @internal Checked by {@link lazyRange}. */
  static range(start: number, end: number): Lazy<number> {
    return new Lazy(
      (sink) => {
        for (let i = start; i < end; i++) if (!sink(i)) return false;
        return true;
      },
      () => {
        let next = start;
        return { next: () => (next < end ? { done: false, value: next++ } : DONE) };
      },
    );
  }

  /** Each item as `use` returns it. */
  map<U>(use: (item: T) => U): Lazy<U> {
    checkFunction('use', use);
    return new Lazy(
      (sink) => this.#feed((item) => sink(use(item))),
      () => {
        const source = this.#iterate();
        return closing(source, () => {
          const step = source.next();
          return step.done === true ? DONE : { done: false, value: use(step.value) };
        });
      },
    );
  }

  /** The items for which `keep` returns true. */
  filter(keep: (item: T) => boolean): Lazy<T> {
    checkFunction('keep', keep);
    return new Lazy(
      (sink) => this.#feed((item) => (keep(item) ? sink(item) : true)),
      () => {
        const source = this.#iterate();
        return closing(source, () => {
          for (let step = source.next(); step.done !== true; step = source.next()) {
            if (keep(step.value)) return step;
          }
          return DONE;
        });
      },
    );
  }

  /** The items of the sequences that `use` returns, one sequence after the other. */
  flatMap<U>(use: (item: T) => Iterable<U>): Lazy<U> {
    checkFunction('use', use);
    return new Lazy(
      (sink) =>
        this.#feed((item) => {
          for (const inner of use(item)) if (!sink(inner)) return false;
          return true;
        }),
      () => this.flattened(use),
    );
  }

  /** At most the first `count` items; the source is not asked for more. @throws ArgumentRangeError when `count` is impossible. */
  take(count: number): Lazy<T> {
    checkInteger('count', count, 0, Number.MAX_SAFE_INTEGER);
    return new Lazy(
      (sink) => {
        if (count === 0) return true;
        let left = count;
        let isWanted = true;
        this.#feed((item) => {
          isWanted = sink(item);
          left--;
          return isWanted && left > 0;
        });
        return isWanted;
      },
      () => {
        const source = this.#iterate();
        let left = count;
        return closing(source, () => {
          if (left > 0) {
            left--;
            return source.next();
          }
          source.return?.();
          return DONE;
        });
      },
    );
  }

  /** All but the first `count` items. @throws ArgumentRangeError when `count` is impossible. */
  drop(count: number): Lazy<T> {
    checkInteger('count', count, 0, Number.MAX_SAFE_INTEGER);
    return new Lazy(
      (sink) => {
        let left = count;
        return this.#feed((item) => (left > 0 ? left-- > 0 : sink(item)));
      },
      () => {
        const source = this.#iterate();
        let left = count;
        return closing(source, () => {
          for (; left > 0; left--) if (source.next().done === true) return DONE;
          return source.next();
        });
      },
    );
  }

  /** Consumes all items. */
  forEach(use: (item: T) => void): void {
    checkFunction('use', use);
    this.#feed((item) => {
      use(item);
      return true;
    });
  }

  /** Consumes all items into one value. */
  reduce<U>(use: (accumulator: U, item: T) => U, initial: U): U {
    checkFunction('use', use);
    let accumulator = initial;
    this.#feed((item) => {
      accumulator = use(accumulator, item);
      return true;
    });
    return accumulator;
  }

  /** Whether `test` returns true for an item; stops at the first. */
  some(test: (item: T) => boolean): boolean {
    checkFunction('test', test);
    return !this.#feed((item) => !test(item));
  }

  /** The first item for which `test` returns true, or `undefined`; stops there. */
  find(test: (item: T) => boolean): T | undefined {
    checkFunction('test', test);
    let found: T | undefined;
    this.#feed((item) => {
      if (!test(item)) return true;
      found = item;
      return false;
    });
    return found;
  }

  /** Number of items; consumes them. */
  count(): number {
    return this.reduce((count) => count + 1, 0);
  }

  /** All items in an array: here they come to exist together after all. */
  toArray(): T[] {
    const items: T[] = [];
    this.forEach((item) => {
      items.push(item);
    });
    return items;
  }

  /** For `for` loops, one result object an item; `forEach` is faster. */
  [Symbol.iterator](): Iterator<T> {
    return this.#iterate();
  }

  private *flattened<U>(use: (item: T) => Iterable<U>): Generator<U, void, undefined> {
    for (const item of this) yield* use(item);
  }
}

/**
 * The items of `source`, lazily.
 *
 * @throws ArgumentTypeError when `source` is not iterable.
 */
export function lazy<T>(source: Iterable<T>): Lazy<T> {
  if (typeof (source as Iterable<T> | null | undefined)?.[Symbol.iterator] !== 'function') {
    throw new ArgumentTypeError(`source: expected an iterable, got ${describe(source)}`);
  }
  return Lazy.of(source);
}

/**
 * The integers from `start` up to, not including, `end`.
 *
 * @throws ArgumentTypeError, ArgumentRangeError when one is no safe integer.
 */
export function lazyRange(start: number, end: number): Lazy<number> {
  checkInteger('start', start, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
  checkInteger('end', end, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
  return Lazy.range(start, end);
}

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };

/** An iterator that closes its source when a loop leaves it early, or a step throws. */
function closing<T, U>(source: Iterator<T>, next: () => IteratorResult<U>): Iterator<U> {
  // A range or an array has nothing to close: the guard below is a third of a step.
  if (source.return === undefined) return { next };
  return {
    next() {
      try {
        return next();
      } catch (error) {
        source.return?.();
        throw error;
      }
    },
    return: () => {
      source.return?.();
      return DONE;
    },
  };
}

function checkFunction(name: string, value: unknown): void {
  if (typeof value !== 'function') {
    throw new ArgumentTypeError(`${name}: expected a function, got ${describe(value)}`);
  }
}
