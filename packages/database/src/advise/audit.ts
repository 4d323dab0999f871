import { invalidType, ArgumentRangeError } from '../errors.ts';
import { checkOptionsObject } from '../pool/options.ts';
import type { Queryable } from '../queryable.ts';
import { type IndexDefinition, nameOf, qualified, renderIndex } from './index-definition.ts';

/** What {@link audit} looks for. */
export type AuditKind =
  /** Deleting or changing a row of the referenced table reads all of this one. */
  | 'missing-foreign-key-index'
  /** Left by a failed `CREATE INDEX CONCURRENTLY`: writes maintain it, no query uses it. */
  | 'invalid-index'
  /** Another index answers whatever this one does. */
  | 'duplicate-index'
  /** No query has used it since statistics were reset. On a replica it may be in use. */
  | 'unused-index'
  /** Most rows read from it are read by going through all of it: ask `advise` about its queries. */
  | 'sequential-scans';

/** Options of {@link audit}. */
export interface AuditOptions {
  /** Only this schema. Default: all but the system's. */
  readonly schema?: string | undefined;
  /** Tables with fewer rows are left alone, invalid indexes aside. Default 1,000. */
  readonly minRows?: number | undefined;
}

/** One thing that the catalogue and the statistics show. */
export interface AuditFinding {
  readonly kind: AuditKind;
  readonly table: readonly [schema: string, table: string];
  /** The index at fault. */
  readonly indexName?: string;
  /** The index to make, for `createIndexConcurrently`. */
  readonly index?: IndexDefinition;
  /** What would put it right, where a statement does. */
  readonly ddl?: string;
  readonly reason: string;
  /** Of the index, in bytes. */
  readonly sizeBytes?: number;
}

/** A scan of a table this often more than by an index, and so many rows a scan, is worth a look. */
const SCANNED_ROWS_MIN = 10_000;

const TABLES = `n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)' AND ($1::text IS NULL OR n.nspname = $1)`;

/** The columns must lead the index, in any order among themselves. */
const FOREIGN_KEYS_SQL = `SELECT n.nspname::text AS schema, c.relname::text AS "table", k.conname::text AS name, k.confrelid::regclass::text AS target,
  ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY AS u (attnum, at)
    JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.attnum ORDER BY u.at) AS columns
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE k.contype = 'f' AND k.conparentid = 0 AND c.relkind = 'r' AND c.reltuples >= $2 AND ${TABLES} AND NOT EXISTS (
  SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = k.conrelid AND i.indisvalid AND i.indpred IS NULL
    AND (i.indkey::int2[])[0:cardinality(k.conkey) - 1] @> k.conkey)
ORDER BY c.reltuples DESC, 1, 2, 3`;

const INDEXES_FROM = `FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class c ON c.oid = i.indrelid
JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace`;
const INDEX_COLUMNS = `n.nspname::text AS schema, c.relname::text AS "table", x.relname::text AS name, pg_relation_size(x.oid)::float8 AS size`;

/** One that is under construction is not valid yet. */
const INVALID_SQL = `SELECT ${INDEX_COLUMNS} ${INDEXES_FROM}
WHERE NOT i.indisvalid AND c.relkind = 'r' AND ${TABLES}
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index p WHERE p.index_relid = x.oid)
ORDER BY 1, 2, 3`;

/** Backed by no constraint, not unique, and the other one begins with the same keys under the same condition. Of two alike, the younger. */
const DUPLICATES_SQL = `SELECT ${INDEX_COLUMNS}, o.indexrelid::regclass::text AS other ${INDEXES_FROM}
JOIN LATERAL (SELECT o.* FROM pg_catalog.pg_index o JOIN pg_catalog.pg_class y ON y.oid = o.indexrelid
  WHERE o.indrelid = i.indrelid AND o.indexrelid <> i.indexrelid AND o.indisvalid AND y.relam = x.relam
    AND o.indexprs IS NULL AND coalesce(pg_get_expr(o.indpred, o.indrelid), '') = coalesce(pg_get_expr(i.indpred, i.indrelid), '')
    AND (o.indkey::int2[])[0:i.indnkeyatts - 1] = (i.indkey::int2[])[0:i.indnkeyatts - 1]
    AND (o.indclass::oid[])[0:i.indnkeyatts - 1] = (i.indclass::oid[])[0:i.indnkeyatts - 1]
    AND (o.indoption::int2[])[0:i.indnkeyatts - 1] = (i.indoption::int2[])[0:i.indnkeyatts - 1]
    AND (o.indcollation::oid[])[0:i.indnkeyatts - 1] = (i.indcollation::oid[])[0:i.indnkeyatts - 1]
    AND o.indnkeyatts >= i.indnkeyatts AND i.indnatts = i.indnkeyatts
    AND (o.indnkeyatts > i.indnkeyatts OR o.indisunique OR o.indexrelid < i.indexrelid)
    AND (o.indnkeyatts = i.indnkeyatts OR (SELECT amname FROM pg_catalog.pg_am WHERE oid = x.relam) = 'btree')
  ORDER BY o.indnkeyatts LIMIT 1) o ON true
WHERE i.indisvalid AND NOT i.indisunique AND NOT i.indisreplident AND i.indexprs IS NULL AND c.relkind = 'r' AND c.reltuples >= $2 AND ${TABLES}
ORDER BY size DESC, 1, 2, 3`;

const UNUSED_SQL = `SELECT ${INDEX_COLUMNS} ${INDEXES_FROM}
JOIN pg_catalog.pg_stat_all_indexes s ON s.indexrelid = x.oid
WHERE i.indisvalid AND NOT i.indisunique AND NOT i.indisreplident AND s.idx_scan = 0 AND c.relkind = 'r' AND c.reltuples >= $2 AND ${TABLES}
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.conindid = x.oid)
ORDER BY size DESC, 1, 2, 3`;

const SCANS_SQL = `SELECT n.nspname::text AS schema, c.relname::text AS "table", s.seq_scan::float8 AS scans, s.seq_tup_read::float8 AS rows
FROM pg_catalog.pg_stat_all_tables s
JOIN pg_catalog.pg_class c ON c.oid = s.relid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.reltuples >= $2 AND s.seq_scan > coalesce(s.idx_scan, 0) AND s.seq_tup_read / greatest(s.seq_scan, 1) >= $3 AND ${TABLES}
ORDER BY s.seq_tup_read DESC`;

interface IndexRow {
  readonly schema: string;
  readonly table: string;
  readonly name: string;
  readonly size: number;
}

/**
 * Looks through the catalogue and the server's statistics for indexes that are missing, broken or of no use. Reads only; a few queries
 * whatever the size of the tables.
 *
 * @throws {ArgumentTypeError} {ArgumentRangeError} for options.
 *
 * @example
 * ```ts
 * for (const { kind, reason, ddl } of await audit(db)) console.log(kind, reason, ddl ?? '');
 * ```
 */
export async function audit(db: Queryable, options: AuditOptions = {}): Promise<AuditFinding[]> {
  checkOptionsObject(options);
  const { schema, minRows = 1_000 } = options;
  if (schema !== undefined && typeof schema !== 'string') throw invalidType('schema', 'a string', schema);
  if (typeof minRows !== 'number') throw invalidType('minRows', 'a number', minRows);
  if (!(minRows >= 0)) throw new ArgumentRangeError(`minRows: expected at least 0, got ${minRows}`);
  const only = schema ?? null;
  const findings = [
    ...(await foreignKeys(db, only, minRows)),
    ...(await indexes(
      db,
      INVALID_SQL,
      [only],
      'invalid-index',
      () => 'left by a failed build: writes maintain it, no query uses it',
    )),
    ...(await indexes(
      db,
      DUPLICATES_SQL,
      [only, minRows],
      'duplicate-index',
      ({ other }) => `${other} begins with the same keys`,
    )),
  ];
  const duplicates = new Set(findings.map(({ table, indexName }) => `${table[0]}.${indexName}`));
  const unused = await indexes(
    db,
    UNUSED_SQL,
    [only, minRows],
    'unused-index',
    () => 'no query has used it since statistics were reset',
  );
  findings.push(...unused.filter(({ table, indexName }) => !duplicates.has(`${table[0]}.${indexName}`)));
  findings.push(...(await scans(db, only, minRows)));
  return findings;
}

async function foreignKeys(db: Queryable, schema: string | null, minRows: number): Promise<AuditFinding[]> {
  const { rows } = await db.query(FOREIGN_KEYS_SQL, [schema, minRows]);
  return (
    rows as readonly { schema: string; table: string; name: string; target: string; columns: string[] }[]
  ).map((row) => {
    const index: IndexDefinition = { table: [row.schema, row.table], keys: row.columns };
    return {
      kind: 'missing-foreign-key-index',
      table: [row.schema, row.table],
      index: { ...index, name: nameOf(index) },
      ddl: renderIndex(index, true),
      reason: `no index begins with ${row.columns.join(', ')}, which ${row.name} refers to ${row.target} by: each row deleted there reads all of this table`,
    };
  });
}

async function indexes(
  db: Queryable,
  sql: string,
  values: unknown[],
  kind: AuditKind,
  reasonOf: (row: { readonly other: string }) => string,
): Promise<AuditFinding[]> {
  const { rows } = await db.query(sql, values);
  return (rows as readonly (IndexRow & { other: string })[]).map((row) => ({
    kind,
    table: [row.schema, row.table],
    indexName: row.name,
    ddl: `DROP INDEX CONCURRENTLY ${qualified(row.schema, row.name)}`,
    reason: reasonOf(row),
    sizeBytes: row.size,
  }));
}

async function scans(db: Queryable, schema: string | null, minRows: number): Promise<AuditFinding[]> {
  const { rows } = await db.query(SCANS_SQL, [schema, minRows, SCANNED_ROWS_MIN]);
  return (rows as readonly { schema: string; table: string; scans: number; rows: number }[]).map((row) => ({
    kind: 'sequential-scans',
    table: [row.schema, row.table],
    reason: `read from end to end ${row.scans} times, ${Math.round(row.rows / row.scans)} rows each, more often than by an index`,
  }));
}
