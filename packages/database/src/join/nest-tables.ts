import { FoldError, invalidType } from '../errors.ts';
import { columnsOfKeys, keysSql } from '../lookup/keys-sql.ts';
import { checkOptionsObject, integer } from '../pool/options.ts';
import type { Queryable } from '../queryable.ts';
import { type Sql, isSql, plainSql, sql } from '../sql/sql.ts';
import { type NestedTables, type TableNestSpec, planTables } from './table-spec.ts';
import { LIST, type NextStep, PLACE, type Step, planSteps } from './table-steps.ts';

/** Which objects of the root to load, and in which order. */
export interface NestLoadOptions {
  /** A condition; the root's columns are `t.…`. Default: all. */
  readonly where?: Sql<object> | undefined;
  /** Default: by the key. */
  readonly orderBy?: Sql<object> | undefined;
  /** Most objects of the root, 0 or more, whatever is below them. */
  readonly limit?: number | undefined;
}

/** One query of a load. */
export interface NestStep {
  /** Where its objects are in the result; empty for the root. */
  readonly path: string;
  /** Tables that are joined in it. */
  readonly tables: readonly string[];
  /** The statement, without what a load's options add. */
  readonly text: string;
  /** Why it is a query of its own. */
  readonly reason: string;
}

/** Loads rows of several tables as nested objects. */
export interface TableNest<Result> {
  /**
   * The objects, with everything below them. One query, and one more for each list that has another beside it; those that do not need
   * each other are sent at once. Each query sees the database as it is then: where that matters, load in a transaction that is
   * `repeatable read`.
   *
   * @throws {ArgumentTypeError} {ArgumentRangeError} for options, tables or columns that cannot be.
   * @throws {FoldError} when there are two of what there should be `one`.
   * @throws what the queries throw.
   */
  load(db: Queryable, options?: NestLoadOptions): Promise<Result[]>;
  /**
   * The queries that `load` sends. Asks the catalogue for the types of keys, as the first load does; runs none of them.
   */
  explain(db: Queryable): Promise<NestStep[]>;
}

/**
 * Plans the load of rows and those that belong to them, over foreign keys, to any depth. What there is one of is joined, and so is a list
 * without another beside it; of lists side by side, whose JOIN would be a product, each gets a query of its own by the keys of its parents.
 * `explain` shows the plan.
 *
 * The first call names the types of the tables' rows; from them and the spec the type of the result follows. Make it once and keep it.
 *
 * @throws {ArgumentTypeError} {ArgumentRangeError} for a spec that cannot be.
 *
 * @example
 * ```ts
 * const users = nestTables<{ users: User; posts: Post; orders: Order }>()({
 *   table: 'users',
 *   key: 'id',
 *   fields: { id: 'id', name: 'name' },
 *   many: {
 *     posts: { table: 'posts', on: { user_id: 'id' }, key: 'id', fields: { title: 'title' } },
 *     orders: { table: 'orders', on: { user_id: 'id' }, key: 'id', fields: { total: 'total' } },
 *   },
 * });
 * await users.load(db, { where: sql`t.active` }); // [{ id, name, posts: […], orders: […] }], three queries
 * ```
 */
export function nestTables<Tables>(): <const Spec extends TableNestSpec<Tables>>(
  spec: Spec,
) => TableNest<NestedTables<Tables, Spec>> {
  return (spec) => new PlannedNest(planSteps(planTables(spec))) as never;
}

type Node = Record<string, unknown>;

class PlannedNest implements TableNest<object> {
  readonly #root: Step;

  constructor(root: Step) {
    this.#root = root;
  }

  async load(db: Queryable, options: NestLoadOptions = {}): Promise<object[]> {
    if (typeof db?.query !== 'function') throw invalidType('db', 'an object with query()', db);
    const { text, values } = rootSql(this.#root, options);
    const roots = await this.#root.folder.load(db, text, values);
    await loadRest(db, this.#root, roots as Node[]);
    return roots;
  }

  async explain(db: Queryable): Promise<NestStep[]> {
    const { text } = rootSql(this.#root, {});
    const { path, tables } = this.#root;
    return [{ path, tables, text, reason: 'the root' }, ...(await explainRest(db, this.#root))];
  }
}

async function explainRest(db: Queryable, of: Step): Promise<NestStep[]> {
  const steps: NestStep[] = [];
  for (const { step } of of.rest) {
    const { path, tables } = step;
    const text = await stepText(db, step);
    steps.push({
      path,
      tables,
      text,
      reason: 'a list with another beside it: joined, their rows would multiply',
    });
    steps.push(...(await explainRest(db, step)));
  }
  return steps;
}

function rootSql(step: Step, options: NestLoadOptions): Sql<object> {
  checkOptionsObject(options);
  for (const name of ['where', 'orderBy'] as const) {
    const part = options[name];
    if (part !== undefined && !isSql(part)) throw invalidType(`options.${name}`, 'what sql`…` makes', part);
  }
  const { where, orderBy, limit } = options;
  const condition = where === undefined ? sql`` : sql` WHERE ${where}`;
  const order = orderBy === undefined ? plainSql(step.orderBy) : sql`${orderBy},${plainSql(step.orderBy)}`;
  const select = plainSql(`SELECT ${step.selected} FROM `);
  const table = plainSql(step.table);
  const joins = plainSql(step.joins);
  if (limit === undefined) {
    return sql`${select}${table} AS t${joins}${condition} ORDER BY ${order}`;
  }
  const most = integer('options.limit', limit, 0, 0, Number.MAX_SAFE_INTEGER);
  // Before the JOINs, which would count the rows below.
  const own = orderBy ?? plainSql(step.ownOrder);
  return sql`${select}(SELECT * FROM ${table} AS t${condition} ORDER BY ${own} LIMIT ${most}) AS t${joins} ORDER BY ${order}`;
}

async function stepText(db: Queryable, step: Step): Promise<string> {
  const keys = await keysSql(db, step.table, step.on, {});
  return `SELECT k.n AS ${PLACE},${step.selected} FROM ${keys.from} JOIN ${step.table} AS t ON ${keys.on('t')}${step.joins} ORDER BY k.n,${step.orderBy}`;
}

/** Fills the lists that the objects of a step still lack. */
async function loadRest(db: Queryable, step: Step, nodes: readonly Node[]): Promise<void> {
  await Promise.all(step.rest.map((next) => loadNext(db, next, nodes)));
}

async function loadNext(db: Queryable, { way, name, step }: NextStep, nodes: readonly Node[]): Promise<void> {
  const parents = way.reduce<readonly Node[]>(below, nodes);
  if (parents.length === 0) return;
  const keys = parents.map((parent) => parent[name] as unknown[]);
  for (const parent of parents) set(parent, name, []);
  const lists = await step.folder.load(db, await stepText(db, step), columnsOfKeys(keys, step.on.length));
  for (const found of lists as { readonly [PLACE]: unknown; readonly [LIST]: Node[] }[]) {
    const parent = parents[Number(found[PLACE]) - 1];
    if (parent === undefined) throw new FoldError(`${step.path}: a row came for a key that nobody asked for`);
    set(parent, name, found[LIST]);
  }
  await loadRest(
    db,
    step,
    parents.flatMap<Node>((parent) => parent[name] as Node[]),
  );
}

/** The objects of one member, of all the objects that have it. */
function below(nodes: readonly Node[], member: string): Node[] {
  return nodes.flatMap<Node>((node) => (node[member] ?? []) as Node | Node[]);
}

/** The member exists already, so that `__proto__` is an ordinary one here, too. */
function set(node: Node, name: string, value: unknown): void {
  Object.defineProperty(node, name, { value, writable: true, enumerable: true, configurable: true });
}
