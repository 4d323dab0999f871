import { ArgumentTypeError } from '../errors.ts';
import type { Queryable } from '../queryable.ts';
import type { PlanNode } from './plan.ts';
import type { ExplainableText } from './sql-tokens.ts';

/** Since this version EXPLAIN takes a statement with parameters and no values for them. */
const GENERIC_PLAN_SINCE = 160_000;
const OPTIONS = 'FORMAT JSON, VERBOSE';

/** Asks for a plan; nothing is executed. */
export type Explain = (query: ExplainableText) => Promise<PlanNode>;

/** Explains with these values. */
export function explainWith(db: Queryable, values: readonly unknown[]): Explain {
  return async ({ text }) => planOf(await db.query(`EXPLAIN (${OPTIONS}) ${text}`, [...values]));
}

/**
 * Explains whatever the values are. Before Postgres 16 by a prepared statement, in a transaction that is rolled back, as that is
 * the only way to leave the plan's mode as it was.
 */
export function explainGeneric(db: Queryable, serverVersion: number, inTransaction: () => boolean): Explain {
  if (serverVersion >= GENERIC_PLAN_SINCE) {
    return async ({ text, parameterCount }) =>
      planOf(await db.query(`EXPLAIN (${parameterCount === 0 ? '' : 'GENERIC_PLAN, '}${OPTIONS}) ${text}`));
  }
  return async (query) => {
    if (query.parameterCount === 0) return planOf(await db.query(`EXPLAIN (${OPTIONS}) ${query.text}`));
    const nested = inTransaction();
    await db.query(nested ? 'SAVEPOINT hotpath_explain' : 'BEGIN');
    try {
      await db.query('SET LOCAL plan_cache_mode = force_generic_plan');
      await db.query(`PREPARE hotpath_explain AS ${query.text}`);
      try {
        const nulls = Array.from({ length: query.parameterCount }, () => 'NULL').join(', ');
        return planOf(await db.query(`EXPLAIN (${OPTIONS}) EXECUTE hotpath_explain (${nulls})`));
      } finally {
        // A prepared statement outlives a rollback. After a failure the transaction refuses this, and the pool resets the session.
        await db.query('DEALLOCATE hotpath_explain').catch(() => {});
      }
    } finally {
      await db.query(nested ? 'ROLLBACK TO SAVEPOINT hotpath_explain' : 'ROLLBACK');
    }
  };
}

function planOf(result: { readonly rows: readonly object[] }): PlanNode {
  const given = (result.rows[0] as Record<string, unknown> | undefined)?.['QUERY PLAN'];
  const parsed: unknown = typeof given === 'string' ? JSON.parse(given) : given;
  const plan = Array.isArray(parsed) ? (parsed[0] as { Plan?: PlanNode } | undefined)?.Plan : undefined;
  if (plan === undefined) throw new ArgumentTypeError('db: expected query() to resolve to rows of a plan');
  return plan;
}

/** `180004` for 18.4. */
export async function readServerVersion(db: Queryable): Promise<number> {
  const { rows } = await db.query("SELECT current_setting('server_version_num')::int AS version");
  return (rows[0] as { version: number }).version;
}
