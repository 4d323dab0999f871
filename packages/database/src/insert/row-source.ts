import { invalidType } from '../errors.ts';
import type { ChunkBuilder } from './chunk.ts';

/** Rows from anywhere: an array, a generator, a stream. */
export type Rows<Row> = Iterable<Row> | AsyncIterable<Row>;

const NONE: unique symbol = Symbol('none');

/**
 * Pulls rows one at a time, one ahead, so that it is known of a chunk whether it is the last. Nothing is pulled while a chunk is
 * being sent: a fast source waits.
 */
export class RowSource<Row> {
  readonly #sync: Iterator<Row> | undefined;
  readonly #async: AsyncIterator<Row> | undefined;
  readonly #signal: AbortSignal | undefined;
  #ahead: Row | typeof NONE = NONE;
  /** A row was asked for and has not come. */
  #asked = false;
  #ended = false;

  constructor(rows: Rows<Row>, signal: AbortSignal | undefined) {
    this.#signal = signal;
    if (typeof rows === 'object' && rows !== null) {
      if (Symbol.asyncIterator in rows) {
        this.#async = rows[Symbol.asyncIterator]();
        return;
      }
      if (Symbol.iterator in rows) {
        this.#sync = rows[Symbol.iterator]();
        return;
      }
    }
    throw invalidType('rows', 'an array, an iterable or an async iterable of objects', rows);
  }

  /** The first row, which stays in the source, or `undefined` when there is none. */
  async first(): Promise<Row | undefined> {
    const result = this.#sync === undefined ? await this.#nextAsync() : this.#sync.next();
    this.#asked = false;
    if (result.done) {
      this.#ended = true;
      return undefined;
    }
    this.#ahead = result.value;
    return result.value;
  }

  /**
   * Fills a chunk. True when the source has ended.
   *
   * @param eager returns a full chunk without waiting to see whether more follows.
   */
  fillChunk(builder: ChunkBuilder, eager: boolean): boolean | Promise<boolean> {
    return this.#sync === undefined
      ? this.#fillAsync(builder, eager)
      : this.#fillSync(this.#sync, builder, eager);
  }

  /** Tells the source that no more will be asked for, and waits for its answer, unless a row was asked for that has not come. */
  async close(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#sync !== undefined) {
      this.#sync.return?.();
      return;
    }
    const returned = this.#async!.return?.();
    // A source that is stuck in its own wait, as a generator's end would be behind it, cannot be waited for.
    if (this.#asked) Promise.resolve(returned).catch(() => {});
    else await returned;
  }

  #fillSync(source: Iterator<Row>, builder: ChunkBuilder, eager: boolean): boolean {
    for (;;) {
      if (this.#ahead === NONE) {
        if (this.#ended) return true;
        const result = source.next();
        if (result.done) {
          this.#ended = true;
          return true;
        }
        this.#ahead = result.value;
      }
      if (builder.full) return false;
      builder.add(this.#ahead);
      this.#ahead = NONE;
      if (eager && builder.full) return false;
    }
  }

  async #fillAsync(builder: ChunkBuilder, eager: boolean): Promise<boolean> {
    for (;;) {
      if (this.#ahead === NONE) {
        if (this.#ended) return true;
        const result = await this.#nextAsync();
        this.#asked = false;
        if (result.done) {
          this.#ended = true;
          return true;
        }
        this.#ahead = result.value;
      }
      if (builder.full) return false;
      builder.add(this.#ahead);
      this.#ahead = NONE;
      if (eager && builder.full) return false;
    }
  }

  /** Whoever gets an answer takes note that nothing is asked for any more. */
  #nextAsync(): Promise<IteratorResult<Row>> {
    const signal = this.#signal;
    this.#asked = true;
    const next = this.#async!.next();
    if (signal === undefined) return next;
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- a signal's reason is the caller's choice
        reject(signal.reason);
      };
      if (signal.aborted) onAbort();
      signal.addEventListener('abort', onAbort);
      next.then(resolve, reject).finally(() => {
        signal.removeEventListener('abort', onAbort);
      });
    });
  }
}
