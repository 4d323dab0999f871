import { ArgumentTypeError, ArgumentRangeError } from '../errors.ts';
import { isOwnSession } from '../own-session.ts';
import type { Queryable } from '../queryable.ts';
import { checkTypeName } from './identifier.ts';
import type { ColumnPlan } from './sql.ts';
import { TEXT_OID } from './text-array.ts';

/**
 * Columns of a table with what an insert must know of their types. `format_type` with -1 writes a type without its length,
 * which the table then enforces; a cast would cut silently. The recursion sees through domains. All of it comes as text, which no
 * type parser of the user's turns into something else.
 */
const COLUMNS_SQL = `SELECT a.attname::text AS name, format_type(a.atttypid, -1) AS type,
  (b.typcategory = 'A')::text AS is_array, e.typdelim::text AS delimiter, (t.typarray <> 0)::text AS has_array,
  (CASE WHEN a.atttypid IN (25, 1043, 1042, 114, 3802) THEN a.atttypid::int ELSE 0 END)::text AS text_oid,
  (b.typtype = 'c')::text AS is_composite, (b.oid IN (114, 3802))::text AS is_json,
  (b.typelem IN (114, 3802))::text AS is_json_array,
  (c.relkind IN ('r', 'p') AND NOT c.relrowsecurity AND NOT c.relhasrules AND a.attidentity <> 'a')::text AS copies
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid
JOIN pg_type t ON t.oid = a.atttypid
CROSS JOIN LATERAL (
  WITH RECURSIVE base AS (
    SELECT t.oid, t.typbasetype, t.typcategory, t.typelem, t.typtype
    UNION ALL
    SELECT d.oid, d.typbasetype, d.typcategory, d.typelem, d.typtype FROM base JOIN pg_type d ON d.oid = base.typbasetype
  )
  SELECT oid, typcategory, typelem, typtype FROM base WHERE typbasetype = 0
) b
JOIN pg_type e ON e.oid = b.oid
WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum`;

type Flag = 'true' | 'false';

interface CatalogRow {
  readonly name: string;
  readonly type: string;
  readonly is_array: Flag;
  readonly delimiter: string;
  readonly has_array: Flag;
  readonly text_oid: string;
  readonly is_composite: Flag;
  readonly is_json: Flag;
  readonly is_json_array: Flag;
  readonly copies: Flag;
}

type Columns = ReadonlyMap<string, ColumnPlan>;

interface Learnt {
  readonly columns: Columns;
  /** On the clock of the database. */
  readonly at: number;
}

/** Tables that are kept a database: of more, the one that was learnt first is looked up again. */
const MAX_TABLES = 1_000;

/**
 * For how long what was learnt is believed: a value that goes by way of the type which a column had before may be rounded, or lose its
 * zone, without an error. A look-up costs as much as inserting a hundred rows.
 */
const BELIEVED_MS = 10_000;

/** What was learnt of tables, by database. */
const learnt = new WeakMap<object, Map<string, Learnt>>();

function cacheOf(db: Queryable): Map<string, Learnt> {
  const key = isOwnSession(db) ? db.hotpathPool : db;
  let cache = learnt.get(key);
  if (cache === undefined) {
    cache = new Map();
    learnt.set(key, cache);
  }
  return cache;
}

/** Forgets a table, whose columns may have changed. */
export function forgetColumns(db: Queryable, table: string): void {
  cacheOf(db).delete(table);
}

function nowOf(db: Queryable): number {
  return isOwnSession(db) ? db.hotpathPool.options.clock.now() : performance.now();
}

/**
 * The plan of each column, from the caller's types where they are all given, else from the catalogue, once in ten seconds and table.
 *
 * @throws {ArgumentRangeError} when there is no such table or column.
 */
export async function planColumns(
  db: Queryable,
  table: string,
  names: readonly string[],
  types: Readonly<Record<string, string | undefined>>,
): Promise<ColumnPlan[]> {
  const given = names.map((name) => {
    const type = Object.hasOwn(types, name) ? types[name] : undefined;
    return type === undefined ? undefined : planOfType(name, checkTypeName(type, name));
  });
  if (given.every((plan) => plan !== undefined)) return given;
  const cache = cacheOf(db);
  const now = nowOf(db);
  const kept = cache.get(table);
  let known = kept !== undefined && now - kept.at < BELIEVED_MS ? kept.columns : undefined;
  if (known === undefined || names.some((name) => !known!.has(name))) {
    known = await readColumns(db, table);
    cache.delete(table);
    if (cache.size >= MAX_TABLES) cache.delete(cache.keys().next().value!);
    cache.set(table, { columns: known, at: now });
  }
  return names.map((name, index) => {
    const plan = given[index] ?? known.get(name);
    if (plan === undefined) {
      throw new ArgumentRangeError(
        `columns: expected columns of ${table} (${[...known.keys()].join(', ')}), got ${JSON.stringify(name)}`,
      );
    }
    return plan;
  });
}

/** Types that are known to have an array which unnest gives back one by one. Any other goes as text, which is as right. */
const DIRECT =
  /^(?:smallint|integer|int|bigint|int[248]|numeric|decimal|real|double precision|float[48]|text|varchar|character varying|bpchar|bool|boolean|date|time|timestamp|timetz|timestamptz|(?:time|timestamp) with(?:out)? time zone|interval|uuid|jsonb?|bytea|inet|cidr)$/iu;

/** Of the types whose binary form is their text, or for jsonb nearly. */
const TEXT_OIDS: Readonly<Record<string, number>> = {
  text: TEXT_OID,
  varchar: 1043,
  'character varying': 1043,
  bpchar: 1042,
  json: 114,
  jsonb: 3802,
};

function planOfType(name: string, type: string): ColumnPlan {
  const array = type.endsWith('[]');
  const json = /^jsonb?(?:\[\])*$/iu.test(type);
  const direct = !array && DIRECT.test(type);
  const kind = array ? (json ? 'jsonArray' : 'array') : json ? 'json' : 'plain';
  const textOid = direct ? (TEXT_OIDS[type.toLowerCase()] ?? 0) : TEXT_OID;
  return { name, type, direct, textOid, kind, copies: false };
}

function kindOf({ is_json, is_json_array, is_array }: CatalogRow): ColumnPlan['kind'] {
  if (is_json === 'true') return 'json';
  if (is_json_array === 'true') return 'jsonArray';
  return is_array === 'true' ? 'array' : 'plain';
}

async function readColumns(db: Queryable, table: string): Promise<Columns> {
  const { rows } = await db.query(COLUMNS_SQL, [table]);
  if (!Array.isArray(rows)) {
    throw new ArgumentTypeError('db: expected query() to resolve to an object with rows');
  }
  if (rows.length === 0) throw new ArgumentRangeError(`table: expected a table that exists, got ${table}`);
  const columns = new Map<string, ColumnPlan>();
  for (const row of rows as readonly CatalogRow[]) {
    const { name, type } = row;
    // Elements are separated by a comma in all types but `box`; unnest spreads a composite over several columns.
    const isArray = row.is_array === 'true';
    const direct =
      row.has_array === 'true' && !isArray && row.is_composite === 'false' && row.delimiter === ',';
    const textOid = direct ? Number(row.text_oid) : TEXT_OID;
    columns.set(name, { name, type, direct, textOid, kind: kindOf(row), copies: row.copies === 'true' });
  }
  return columns;
}
