import { NoRowError, TooManyRowsError, invalidType } from './errors.ts';
import type { QueryOptions, QueryResult, Session } from './queryable.ts';
import { type Sql, isSql } from './sql/sql.ts';

/** A statement as a caller may give it: what `sql` made, or a text with its values. */
export type AnyQuery<Row extends object> = string | Sql<Row>;

/** The statement's text, values and options, whichever way they were given. */
export interface QueryParts<Options> {
  readonly text: string;
  readonly values: readonly unknown[] | undefined;
  readonly options: Options | undefined;
}

/**
 * Sorts the arguments of `query` and its like.
 *
 * @throws {ArgumentTypeError} for a query that is neither a text nor made by `sql`; an object with a `text` is not.
 */
export function queryParts<Options extends object>(
  query: AnyQuery<object>,
  second: readonly unknown[] | Options | undefined,
  third: Options | undefined,
): QueryParts<Options> {
  if (typeof query === 'string') {
    return { text: query, values: second as readonly unknown[] | undefined, options: third };
  }
  if (!isSql(query)) throw invalidType('text', 'a string, or what sql`…` makes', query);
  if (Array.isArray(second) || third !== undefined) {
    throw invalidType('options', 'an object and no values beside sql`…`', second);
  }
  return { text: query.text, values: query.values, options: second as Options | undefined };
}

/** What every session does in the same way, over the one thing that each does by itself. */
export abstract class SessionMethods implements Session {
  /** Runs a statement. */
  protected abstract run<Row extends object>(
    text: string,
    values: readonly unknown[] | undefined,
    options: QueryOptions | undefined,
  ): Promise<QueryResult<Row>>;

  query<Row extends object = Record<string, unknown>>(
    query: AnyQuery<Row>,
    second?: readonly unknown[] | QueryOptions,
    third?: QueryOptions,
  ): Promise<QueryResult<Row>> {
    // A text first: it is the hot one.
    if (typeof query === 'string') return this.run(query, second as readonly unknown[] | undefined, third);
    return this.#runParts(query, second, third);
  }

  async #runParts<Row extends object>(
    query: AnyQuery<Row>,
    second: readonly unknown[] | QueryOptions | undefined,
    third: QueryOptions | undefined,
  ): Promise<QueryResult<Row>> {
    const { text, values, options } = queryParts(query, second, third);
    return this.run(text, values, options);
  }

  async one<Row extends object = Record<string, unknown>>(
    query: AnyQuery<Row>,
    second?: readonly unknown[] | QueryOptions,
    third?: QueryOptions,
  ): Promise<Row> {
    const { rows } = await this.query(query, second, third);
    if (rows.length !== 1) throw rows.length === 0 ? new NoRowError() : new TooManyRowsError(rows.length);
    return rows[0]!;
  }

  async maybeOne<Row extends object = Record<string, unknown>>(
    query: AnyQuery<Row>,
    second?: readonly unknown[] | QueryOptions,
    third?: QueryOptions,
  ): Promise<Row | null> {
    const { rows } = await this.query(query, second, third);
    if (rows.length > 1) throw new TooManyRowsError(rows.length);
    return rows[0] ?? null;
  }

  async many<Row extends object = Record<string, unknown>>(
    query: AnyQuery<Row>,
    second?: readonly unknown[] | QueryOptions,
    third?: QueryOptions,
  ): Promise<Row[]> {
    return (await this.query(query, second, third)).rows;
  }
}
