import type { Queryable } from '../queryable.ts';

/** A column, as far as an index on it is concerned. */
export interface ColumnFacts {
  readonly name: string;
  /** Type without its length: `character varying`. */
  readonly type: string;
  /** Its text is ordered by characters, so that a range answers `LIKE 'john%'`. */
  readonly bytewise: boolean;
  /** Expected distinct values; at least 1. */
  readonly distinct: number;
}

/** An index that is there. */
export interface IndexFacts {
  /** Names of the key columns; an expression is ''. */
  readonly columns: readonly string[];
  readonly opclasses: readonly string[];
  /** Condition of a partial index, as the server writes it. */
  readonly where: string | null;
  readonly primary: boolean;
  readonly valid: boolean;
}

/** A table, as far as indexes on it are concerned. */
export interface TableFacts {
  /** Rows, by the last ANALYZE; -1 when there was none. */
  readonly rows: number;
  readonly columns: ReadonlyMap<string, ColumnFacts>;
  readonly indexes: readonly IndexFacts[];
}

const TABLE_SQL = `SELECT c.oid::int8::text AS oid, c.reltuples::float8 AS rows FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'm')`;

/** A database's own collation is that of columns which name none. */
const COLUMNS_SQL = `SELECT a.attname::text AS name, format_type(a.atttypid, -1) AS type,
  CASE WHEN a.attcollation = 0 THEN false
    WHEN l.collname = 'default' THEN (SELECT d.datcollate IN ('C', 'POSIX') FROM pg_catalog.pg_database d WHERE d.datname = current_database())
    ELSE l.collcollate IN ('C', 'POSIX') END AS bytewise,
  s.n_distinct::float8 AS n_distinct
FROM pg_catalog.pg_attribute a
LEFT JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation
LEFT JOIN pg_catalog.pg_stats s ON s.schemaname = $2 AND s.tablename = $3 AND s.attname = a.attname AND NOT s.inherited
WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped`;

const INDEXES_SQL = `SELECT
  ARRAY(SELECT coalesce(a.attname::text, '') FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, at)
    LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum AND k.attnum > 0
    WHERE k.at <= i.indnkeyatts ORDER BY k.at) AS columns,
  ARRAY(SELECT o.opcname::text FROM unnest(i.indclass::oid[]) WITH ORDINALITY AS k (oid, at)
    JOIN pg_catalog.pg_opclass o ON o.oid = k.oid ORDER BY k.at) AS opclasses,
  pg_get_expr(i.indpred, i.indrelid) AS "where", i.indisprimary AS "primary", i.indisvalid AS valid
FROM pg_catalog.pg_index i WHERE i.indrelid = $1::oid`;

/** Reads what is known of a table; undefined when there is none of that name. */
export async function readTable(
  db: Queryable,
  schema: string,
  table: string,
): Promise<TableFacts | undefined> {
  const found = (await db.query(TABLE_SQL, [schema, table])).rows[0] as
    | { oid: string; rows: number }
    | undefined;
  if (found === undefined) return undefined;
  const columns = await db.query(COLUMNS_SQL, [found.oid, schema, table]);
  const indexes = await db.query(INDEXES_SQL, [found.oid]);
  const { rows } = found;
  const facts = (
    columns.rows as readonly (Omit<ColumnFacts, 'distinct'> & { n_distinct: number | null })[]
  ).map(({ name, type, bytewise, n_distinct }): ColumnFacts => {
    // Without statistics a column is taken for neither a key nor a flag; a negative number is a share of the rows.
    const distinct =
      n_distinct === null ? Math.sqrt(Math.max(rows, 1)) : n_distinct < 0 ? -n_distinct * rows : n_distinct;
    return { name, type, bytewise, distinct: Math.max(1, distinct) };
  });
  return {
    rows,
    columns: new Map(facts.map((column) => [column.name, column])),
    indexes: indexes.rows as readonly IndexFacts[],
  };
}
