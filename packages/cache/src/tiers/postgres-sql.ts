/** The statements of one table, made once. */
export interface Statements {
  readonly migration: string;
  readonly select: string;
  readonly upsert: string;
  readonly delete: string;
  readonly clear: string;
  readonly acquire: string;
  readonly takeOver: string;
  readonly fill: string;
  readonly release: string;
  readonly sweep: string;
}

/**
 * `lease` is null in a row that holds a value. A row with a lease holds none: its value is null, and it expires with the
 * lease. A null value without a lease says that the key is known to be absent. A null expiry is never.
 *
 * @param table quoted already.
 */
export function statementsFor(table: string): Statements {
  // clock_timestamp, not now: inside a transaction now stands still.
  const live = `(expires_at IS NULL OR expires_at > clock_timestamp())`;
  const left = `(extract(epoch FROM expires_at - clock_timestamp()) * 1000)::float8 AS ttl_ms`;
  const after = (parameter: string): string => `clock_timestamp() + ${parameter}::float8 * interval '1 ms'`;
  return {
    migration: `CREATE TABLE IF NOT EXISTS ${table} (
  key text COLLATE "C" PRIMARY KEY,
  value text,
  expires_at timestamptz,
  lease text
);
CREATE INDEX IF NOT EXISTS ${indexName(table)} ON ${table} (expires_at) WHERE expires_at IS NOT NULL;
`,
    select: `SELECT key, value, ${left} FROM ${table} WHERE key = ANY($1::text[]) AND lease IS NULL AND ${live}`,
    upsert: `INSERT INTO ${table} AS t (key, value, expires_at)
SELECT key, value, ${after('ttl')} FROM unnest($1::text[], $2::text[], $3::float8[]) AS w (key, value, ttl)
ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value, expires_at = EXCLUDED.expires_at, lease = NULL`,
    delete: `DELETE FROM ${table} WHERE key = ANY($1::text[])`,
    // A range of the primary key, which an index can serve whatever the plan; the function is what decides.
    clear: `DELETE FROM ${table} WHERE key >= $1::text AND key < $2::text AND starts_with(key, $1::text)`,
    acquire: `WITH taken AS (
  INSERT INTO ${table} AS t (key, expires_at, lease) VALUES ($1::text, ${after('$3')}, $2::text)
  ON CONFLICT (key) DO UPDATE SET value = NULL, expires_at = EXCLUDED.expires_at, lease = EXCLUDED.lease
  WHERE t.expires_at <= clock_timestamp()
  RETURNING key
)
SELECT key, true AS granted, false AS leased, NULL::text AS value, NULL::float8 AS ttl_ms FROM taken
UNION ALL
SELECT key, false, lease IS NOT NULL, value, ${left} FROM ${table}
WHERE key = $1::text AND ${live} AND NOT EXISTS (SELECT FROM taken)`,
    takeOver: `UPDATE ${table} SET value = NULL, expires_at = ${after('$3')}, lease = $2::text WHERE key = $1::text`,
    fill: `UPDATE ${table} SET value = $3::text, expires_at = ${after('$4')}, lease = NULL
WHERE key = $1::text AND lease = $2::text RETURNING key`,
    release: `DELETE FROM ${table} WHERE key = $1::text AND lease = $2::text`,
    sweep: `WITH expired AS (
  SELECT key FROM ${table} WHERE expires_at <= clock_timestamp() LIMIT $1 FOR UPDATE SKIP LOCKED
), gone AS (
  DELETE FROM ${table} AS t USING expired WHERE t.key = expired.key RETURNING t.key
)
SELECT count(*) AS count FROM gone`,
  };
}

/** In the table's own schema, whose name must not be given. */
function indexName(table: string): string {
  const bare = table.slice(table.lastIndexOf('.') + 1).replaceAll('"', '');
  return `"${bare.slice(0, 50)}_expires_at"`;
}
