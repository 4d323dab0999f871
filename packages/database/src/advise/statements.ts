import { ArgumentRangeError } from '../errors.ts';
import type { Queryable } from '../queryable.ts';
import { type AdviseOptions, type IndexAdvice, advise } from './advise.ts';
import { qualified } from './index-definition.ts';

/** A statement that the server has counted. */
export interface CountedStatement {
  /** With `$1` in place of its constants. */
  readonly query: string;
  readonly calls: number;
  /** Time that the server spent on it, in milliseconds. */
  readonly totalMs: number;
}

/** An index and the statements that it serves. */
export interface WorkloadAdvice extends IndexAdvice {
  /** Those that gain, the most expensive first. */
  readonly statements: readonly (CountedStatement & { readonly gain: number })[];
  /** Of the statements' time, what the index would spare by the planner's costs, in milliseconds. */
  readonly sparedMs: number;
}

/** What a workload lacks. */
export interface Workload {
  readonly explained: number;
  /** Statements that could not be explained, and why. */
  readonly skipped: readonly { readonly query: string; readonly reason: string }[];
  /** The one that spares most first. */
  readonly indexes: readonly WorkloadAdvice[];
}

/**
 * The most expensive statements by pg_stat_statements.
 *
 * @throws {ArgumentRangeError} when the extension is not installed in this database.
 */
export async function readStatements(db: Queryable, count: number): Promise<CountedStatement[]> {
  const { rows } = await db.query(
    "SELECT n.nspname::text AS schema FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_stat_statements'",
  );
  const extension = rows[0] as { schema: string } | undefined;
  if (extension === undefined) {
    throw new ArgumentRangeError(
      'from: expected the extension pg_stat_statements in this database (CREATE EXTENSION pg_stat_statements, and the library in shared_preload_libraries)',
    );
  }
  const statements = await db.query(
    `SELECT s.query, sum(s.calls)::float8 AS calls, sum(s.total_exec_time)::float8 AS "totalMs"
    FROM ${qualified(extension.schema, 'pg_stat_statements')} s
    WHERE s.dbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
      AND s.query ~* '^[\\s(]*(select|with|insert|update|delete|merge|values|table)\\M'
    GROUP BY s.query ORDER BY 3 DESC LIMIT $1`,
    [count],
  );
  return statements.rows as CountedStatement[];
}

/** Asks for advice on each statement, whatever its values are, and puts together what the same index serves. */
export async function adviseOnAll(
  db: Queryable,
  statements: readonly CountedStatement[],
  options: AdviseOptions,
): Promise<Workload> {
  const skipped: { query: string; reason: string }[] = [];
  const byDdl = new Map<
    string,
    { advice: IndexAdvice; statements: (CountedStatement & { gain: number })[] }
  >();
  for (const statement of statements) {
    try {
      for (const advice of (await advise(db, statement.query, [], options)).indexes) {
        const entry = byDdl.get(advice.ddl) ?? { advice, statements: [] };
        entry.statements.push({ ...statement, gain: advice.gain });
        byDdl.set(advice.ddl, entry);
      }
    } catch (error) {
      // A text that was cut off, a parameter without a type, a table that is gone. What hits all of them ends the run.
      if (!isOfStatement(error)) throw error;
      skipped.push({ query: statement.query, reason: (error as Error).message });
    }
  }
  const indexes = [...byDdl.values()].map(({ advice, statements }): WorkloadAdvice => {
    const sparedMs = statements.reduce((sum, { totalMs, gain }) => sum + totalMs * (1 - 1 / gain), 0);
    const gain = Math.max(...statements.map((statement) => statement.gain));
    return { ...advice, gain, statements: statements.toSorted((a, b) => b.totalMs - a.totalMs), sparedMs };
  });
  return {
    explained: statements.length - skipped.length,
    skipped,
    indexes: indexes.toSorted((a, b) => b.sparedMs - a.sparedMs || b.gain - a.gain),
  };
}

/** The server refused this statement, or it is none that can be explained. */
function isOfStatement(error: unknown): boolean {
  return (
    error instanceof ArgumentRangeError || typeof (error as { sqlState?: unknown }).sqlState === 'string'
  );
}
