import { ArgumentTypeError, TooManyRowsError, describe, invalidType } from '../errors.ts';
import { forgetColumns } from '../insert/columns.ts';
import { compositeKey } from '../join/spec.ts';
import type { Queryable } from '../queryable.ts';
import { columnsOfKeys, keysSql } from './keys-sql.ts';
import { type LoaderPlan, type LoaderSpec, planLoader } from './loader-options.ts';

/** Loads rows by their keys, many at once. */
export interface Loader<Key, Result> {
  /**
   * The row of a key, or null; with `many` its rows. A key that is null or undefined, as a foreign key may be, has none, and nobody is
   * asked.
   *
   * Loads of one turn of the event loop go in one query, each key once; who loads the same key gets the same object.
   *
   * @throws {ArgumentTypeError} for a key of another shape than the columns.
   * @throws {TooManyRowsError} when a key has several rows, without `many`.
   * @throws what the query throws, for all of its keys.
   */
  load(key: Key | null | undefined): Promise<Result>;
  /**
   * The results of several keys, in their order.
   *
   * @throws what {@link load} throws.
   */
  loadMany(keys: readonly (Key | null | undefined)[]): Promise<Result[]>;
  /** Forgets a kept result, or all of them. */
  clear(key?: Key): void;
}

type KeyOf<Row, Key> = Key extends keyof Row
  ? NonNullable<Row[Key]>
  : Key extends readonly (keyof Row)[]
    ? { readonly [At in keyof Key]: Key[At] extends keyof Row ? NonNullable<Row[Key[At]]> : never }
    : never;
type Picked<Row, Spec> = Spec extends { readonly columns: readonly (infer Column)[] }
  ? Pick<Row, Column & keyof Row>
  : Row;

/** What a loader of `Row` by `Spec` takes. */
export type LoaderKey<Row, Spec> = Spec extends { readonly key: infer Key } ? KeyOf<Row, Key> : never;
/** What a loader of `Row` by `Spec` gives. */
export type LoaderResult<Row, Spec> = Spec extends { readonly many: true }
  ? Picked<Row, Spec>[]
  : Picked<Row, Spec> | null;

/**
 * Makes a loader: loads from anywhere in the code are collected until the turn of the event loop is over, and go as one query, with
 * the keys as one array a column. So code that follows relations one object at a time costs one query a level.
 *
 * The first call names the type of the table's rows. Works on our databases, connections and transactions, and on anything else with
 * `query(text, values)`.
 *
 * @throws {ArgumentTypeError} {ArgumentRangeError} for a spec that cannot be.
 *
 * @example
 * ```ts
 * const users = loader<User>()(db, { table: 'users', key: 'id' });
 * const authors = await Promise.all(posts.map((post) => users.load(post.author_id))); // one query
 * ```
 */
export function loader<Row extends object>(): <const Spec extends LoaderSpec<Row>>(
  db: Queryable,
  spec: Spec,
) => Loader<LoaderKey<Row, Spec>, LoaderResult<Row, Spec>> {
  return (db, spec) => {
    if (typeof db?.query !== 'function') throw invalidType('db', 'an object with query()', db);
    return new BatchLoader(db, planLoader(spec)) as never;
  };
}

/** A key that somebody waits for. */
interface Waiting {
  readonly values: readonly unknown[];
  readonly result: Promise<unknown>;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** Column of the key's place, beside those of the row. */
const PLACE = 'hotpath:place';

class BatchLoader implements Loader<unknown, unknown> {
  readonly #db: Queryable;
  readonly #plan: LoaderPlan;
  /** Of the turn under way, by key. */
  #waiting = new Map<string, Waiting>();
  readonly #kept = new Map<string, Promise<unknown>>();
  #text: Promise<string> | undefined;

  constructor(db: Queryable, plan: LoaderPlan) {
    this.#db = db;
    this.#plan = plan;
  }

  // Async, so that a wrong key rejects instead of throwing.
  async load(key: unknown): Promise<unknown> {
    if (key === null || key === undefined) return this.#plan.many ? [] : null;
    const values = this.#valuesOf(key);
    const id = compositeKey(values);
    const kept = this.#kept.get(id) ?? this.#waiting.get(id)?.result;
    if (kept !== undefined) return kept;
    // Not before everything that is ready to run has run: it may load, too.
    if (this.#waiting.size === 0) void Promise.resolve().then(() => process.nextTick(this.#send));
    const waiting = open(values);
    this.#waiting.set(id, waiting);
    if (this.#plan.cacheEntries > 0) this.#keep(id, waiting.result);
    return waiting.result;
  }

  async loadMany(keys: readonly unknown[]): Promise<unknown[]> {
    if (!Array.isArray(keys)) throw invalidType('keys', 'an array', keys);
    return Promise.all(keys.map((key) => this.load(key)));
  }

  clear(key?: unknown): void {
    if (key === undefined) this.#kept.clear();
    else this.#kept.delete(compositeKey(this.#valuesOf(key)));
  }

  #valuesOf(key: unknown): readonly unknown[] {
    const { length } = this.#plan.key;
    const values: readonly unknown[] = length === 1 && !Array.isArray(key) ? [key] : (key as unknown[]);
    if (!Array.isArray(values) || values.length !== length) {
      throw invalidType('key', length === 1 ? 'one value' : `an array of ${length} values`, key);
    }
    for (const value of values) {
      const plain = typeof value === 'object' ? value instanceof Date || value instanceof Uint8Array : true;
      if (!plain || value === undefined || typeof value === 'function' || typeof value === 'symbol') {
        throw new ArgumentTypeError(`key: expected a primitive, a Date or bytes, got ${describe(value)}`);
      }
    }
    return values;
  }

  #keep(id: string, result: Promise<unknown>): void {
    this.#kept.set(id, result);
    if (this.#kept.size > this.#plan.cacheEntries) this.#kept.delete(this.#kept.keys().next().value!);
    // A failure is not kept.
    result.catch(() => {
      if (this.#kept.get(id) === result) this.#kept.delete(id);
    });
  }

  readonly #send = (): void => {
    const all = [...this.#waiting.values()];
    this.#waiting = new Map();
    const { maxBatch } = this.#plan;
    for (let from = 0; from < all.length; from += maxBatch) void this.#look(all.slice(from, from + maxBatch));
  };

  async #look(batch: readonly Waiting[]): Promise<void> {
    const { key, many } = this.#plan;
    try {
      const text = await (this.#text ??= this.#makeText());
      const values = columnsOfKeys(
        batch.map((waiting) => waiting.values),
        key.length,
      );
      const { rows } = await this.#db.query(text, values);
      const found: object[][] = batch.map(() => []);
      for (const row of rows) {
        const { [PLACE]: place, ...rest } = row as Record<string, unknown>;
        found[Number(place) - 1]!.push(rest);
      }
      batch.forEach((waiting, at) => {
        const own = found[at]!;
        if (many) waiting.resolve(own);
        else if (own.length > 1) waiting.reject(new TooManyRowsError(own.length));
        else waiting.resolve(own[0] ?? null);
      });
    } catch (error) {
      // Perhaps the columns are others by now.
      this.#text = undefined;
      forgetColumns(this.#db, this.#plan.table);
      for (const waiting of batch) waiting.reject(error);
    }
  }

  async #makeText(): Promise<string> {
    const { table, key, types, selected, orderBy } = this.#plan;
    const keys = await keysSql(this.#db, table, key, types);
    const order = orderBy === '' ? '' : ` ORDER BY ${orderBy}`;
    return `SELECT k.n AS "${PLACE}",${selected} FROM ${keys.from} JOIN ${table} AS t ON ${keys.on('t')}${order}`;
  }
}

function open(values: readonly unknown[]): Waiting {
  let resolve!: (result: unknown) => void;
  let reject!: (error: unknown) => void;
  const result = new Promise<unknown>((done, failed) => {
    resolve = done;
    reject = failed;
  });
  return { values, result, resolve, reject };
}
