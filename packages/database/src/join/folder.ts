import { FoldError, invalidType } from '../errors.ts';
import { isOwnSession } from '../own-session.ts';
import type { ResultShape } from '../pool/decode.ts';
import type { RowFolder } from '../pool/fold-statement.ts';
import type { Queryable } from '../queryable.ts';
import { type CompiledFold, compile } from './compile.ts';
import { type OrderedFold, compileWire } from './compile-wire.ts';
import { type Fold, interpret } from './interpret.ts';
import { type NestPlan, columnsOf } from './spec.ts';

/** The fold of one plan: of rows, or of what the server sends. */
export class Folder {
  readonly #plan: NestPlan;
  readonly #columns: readonly string[];
  readonly #fold: Fold;
  /** `undefined` where code may not be made of strings. */
  readonly #compiled: CompiledFold | undefined;
  readonly #ordered = new WeakMap<ResultShape, () => OrderedFold>();

  constructor(plan: NestPlan) {
    this.#plan = plan;
    this.#columns = columnsOf(plan);
    this.#compiled = compile(plan);
    this.#fold = this.#compiled ?? interpret(plan);
  }

  /**
   * @throws {ArgumentTypeError} when `rows` is no array.
   * @throws {FoldError} when a column is missing, a root object has no key, or `one` has two.
   */
  fold(rows: readonly object[]): object[] {
    if (!Array.isArray(rows)) throw invalidType('rows', 'an array', rows);
    const first: unknown = rows[0];
    // All rows of a result have the same columns, so the first one tells.
    if (rows.length > 0) {
      if (typeof first !== 'object' || first === null) throw invalidType('rows[0]', 'an object', first);
      this.#check(Object.keys(first));
    }
    return this.#fold(rows);
  }

  /**
   * Runs a query and folds its rows: while they come, where `db` is ours.
   *
   * @throws what the query and {@link fold} throw.
   */
  async load(db: Queryable, text: string, values: readonly unknown[]): Promise<object[]> {
    const compiled = this.#compiled;
    if (compiled !== undefined && isOwnSession(db) && !db.hotpathPool.plain) {
      return await db.hotpathFold({ text, values, open: (shape) => this.#open(compiled, shape) });
    }
    return this.fold((await db.query(text, values as unknown[])).rows);
  }

  #open(compiled: CompiledFold, shape: ResultShape): RowFolder {
    let open = this.#ordered.get(shape);
    if (open === undefined) {
      this.#check(shape.names);
      // Where the fold of rows could be compiled, so can this one.
      open = compileWire(this.#plan, shape)!;
      this.#ordered.set(shape, open);
    }
    return new WireFold(compiled, shape, open());
  }

  #check(names: readonly string[]): void {
    for (const column of this.#columns) {
      if (!names.includes(column)) {
        throw new FoldError(`rows: expected a column ${JSON.stringify(column)}, got ${names.join(', ')}`);
      }
    }
  }
}

/**
 * Folds rows as they come: in order as long as they are; from the first that is not, it keeps rows, and folds them when all have
 * come, from where the ordered fold ended.
 */
class WireFold implements RowFolder {
  readonly #fold: CompiledFold;
  readonly #shape: ResultShape;
  readonly #ordered: OrderedFold;
  #before = 0;
  #rows: object[] | undefined;

  constructor(fold: CompiledFold, shape: ResultShape, ordered: OrderedFold) {
    this.#fold = fold;
    this.#shape = shape;
    this.#ordered = ordered;
  }

  take(bytes: Buffer, at: number, end: number): void {
    if (this.#rows === undefined) {
      if (this.#ordered.take(bytes, at, end)) {
        this.#before++;
        return;
      }
      this.#rows = [];
    }
    this.#rows.push(this.#shape.decode(bytes, at, end));
  }

  end(): object[] {
    return this.#rows === undefined
      ? this.#ordered.list
      : this.#fold(this.#rows, this.#ordered, this.#before);
  }
}
