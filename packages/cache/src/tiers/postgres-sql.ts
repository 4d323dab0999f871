/** Goes before why a load failed, in the place of its lease; no token begins with it. */
export const FAILED = '!';
/** How long those who wait can find out why, in ms; they look at least every 40. */
const FAILURE_MS = 1000;

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
  readonly fail: string;
  readonly sweep: string;
}

/**
 * A row with a lease whose value is null holds no entry, and expires with the lease; one whose value is not null still
 * holds the entry that is being loaded anew. A null value without a lease says that the key is known to be absent. A null
 * expiry is never, and a null end of freshness is the expiry. A lease that has failed is over, and says why for a while.
 *
 * @param table quoted already.
 */
export function statementsFor(table: string): Statements {
  // clock_timestamp, not now: inside a transaction now stands still.
  const live = `(expires_at IS NULL OR expires_at > clock_timestamp())`;
  const left = (column: string): string =>
    `(extract(epoch FROM ${column} - clock_timestamp()) * 1000)::float8`;
  const entry = `value, ${left('expires_at')} AS ttl_ms, ${left('coalesce(fresh_until, expires_at)')} AS fresh_ms, version, stamp`;
  const after = (ms: string): string => `clock_timestamp() + ${ms}::float8 * interval '1 ms'`;
  return {
    migration: `CREATE TABLE IF NOT EXISTS ${table} (
  key text COLLATE "C" PRIMARY KEY,
  value text,
  expires_at timestamptz,
  fresh_until timestamptz,
  version bigint,
  stamp text,
  lease text,
  lease_until timestamptz
);
CREATE INDEX IF NOT EXISTS ${indexName(table)} ON ${table} (expires_at) WHERE expires_at IS NOT NULL;
`,
    select: `SELECT key, ${entry} FROM ${table}
WHERE key = ANY($1::text[]) AND (lease IS NULL OR value IS NOT NULL) AND ${live}`,
    upsert: `INSERT INTO ${table} AS t (key, value, expires_at, fresh_until, version, stamp)
SELECT key, value, ${after('ttl')}, ${after('fresh')}, version, stamp
FROM unnest($1::text[], $2::text[], $3::float8[], $4::float8[], $5::bigint[], $6::text[])
  AS w (key, value, ttl, fresh, version, stamp)
ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value, expires_at = EXCLUDED.expires_at,
  fresh_until = EXCLUDED.fresh_until, version = EXCLUDED.version, stamp = EXCLUDED.stamp, lease = NULL, lease_until = NULL`,
    delete: `DELETE FROM ${table} WHERE key = ANY($1::text[])`,
    // A range of the primary key, which an index can serve whatever the plan; the function is what decides.
    clear: `DELETE FROM ${table} WHERE key >= $1::text AND key < $2::text AND starts_with(key, $1::text)`,
    acquire: `WITH taken AS (
  INSERT INTO ${table} AS t (key, expires_at, lease, lease_until)
  VALUES ($1::text, ${after('$3')}, $2::text, ${after('$3')})
  ON CONFLICT (key) DO UPDATE SET
    value = CASE WHEN t.expires_at <= clock_timestamp() THEN NULL ELSE t.value END,
    expires_at = CASE WHEN t.value IS NULL OR t.expires_at <= clock_timestamp() THEN EXCLUDED.expires_at ELSE t.expires_at END,
    lease = EXCLUDED.lease, lease_until = EXCLUDED.lease_until
  WHERE t.expires_at <= clock_timestamp()
    OR (t.lease IS NOT NULL AND t.lease_until <= clock_timestamp()
      AND NOT ($5::boolean AND starts_with(t.lease, '${FAILED}') AND t.lease_until > ${after(`${-FAILURE_MS}`)}))
    OR (t.lease IS NULL AND ($4::float8 IS NULL OR coalesce(t.fresh_until, t.expires_at, 'infinity') <= ${after('$4')}))
  RETURNING key
)
SELECT key, true AS granted, NULL::text AS lease, NULL::text AS value, NULL::float8 AS ttl_ms, NULL::float8 AS fresh_ms,
  NULL::bigint AS version, NULL::text AS stamp FROM taken
UNION ALL
SELECT key, false, lease, ${entry} FROM ${table}
WHERE key = $1::text AND ${live} AND NOT EXISTS (SELECT FROM taken)`,
    takeOver: `UPDATE ${table} SET value = NULL, expires_at = ${after('$3')}, lease = $2::text, lease_until = ${after('$3')}
WHERE key = $1::text`,
    fill: `UPDATE ${table} SET value = $3::text, expires_at = ${after('$4')}, fresh_until = ${after('$5')},
  version = $6::bigint, stamp = $7::text, lease = NULL, lease_until = NULL
WHERE key = $1::text AND lease = $2::text RETURNING key`,
    release: `WITH kept AS (
  UPDATE ${table} SET lease = NULL, lease_until = NULL
  WHERE key = $1::text AND lease = $2::text AND value IS NOT NULL
)
DELETE FROM ${table} WHERE key = $1::text AND lease = $2::text AND value IS NULL`,
    fail: `UPDATE ${table} SET lease = '${FAILED}' || $3::text, lease_until = clock_timestamp(),
  expires_at = CASE WHEN value IS NULL THEN ${after(`${FAILURE_MS}`)} ELSE expires_at END
WHERE key = $1::text AND lease = $2::text`,
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
