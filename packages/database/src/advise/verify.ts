import type { Queryable } from '../queryable.ts';
import type { Candidate } from './candidates.ts';
import type { Explain } from './explain.ts';
import { nameOf, qualified, renderIndex } from './index-definition.ts';
import { indexesUsed } from './plan.ts';
import type { ExplainableText } from './sql-tokens.ts';

/** An index that the planner would use. */
export interface Verified {
  readonly candidate: Candidate;
  /** The planner's cost of the query with this index alone. */
  readonly costAfter: number;
  readonly sizeBytes: number;
}

/** Indexes that are there for the planner only. */
export interface Trial {
  /** Adds one; its name in plans and its size. Undefined where the server refuses it. */
  add(candidate: Candidate): Promise<{ name: string; sizeBytes: number } | undefined>;
  /** Runs `f` with one of them alone; those of hypopg are gone then. */
  alone<Result>(name: string, f: () => Promise<Result>): Promise<Result>;
}

/** True when the extension is installed in the database. */
export async function hasHypopg(db: Queryable): Promise<boolean> {
  const { rows } = await db.query("SELECT FROM pg_catalog.pg_extension WHERE extname = 'hypopg'");
  return rows.length > 0;
}

/** Which of the candidates the planner takes, and what the query costs then. */
export async function tryIndexes(
  trial: Trial,
  explain: Explain,
  query: ExplainableText,
  candidates: readonly Candidate[],
): Promise<Verified[]> {
  const tried = new Map<string, { candidate: Candidate; sizeBytes: number }>();
  for (const candidate of candidates) {
    const added = await trial.add(candidate);
    if (added !== undefined) tried.set(added.name, { candidate, sizeBytes: added.sizeBytes });
  }
  const plan = await explain(query);
  const used = [...indexesUsed(plan)].filter((name) => tried.has(name));
  const verified: Verified[] = [];
  for (const name of used) {
    const alone = used.length === 1 ? plan : await trial.alone(name, () => explain(query));
    verified.push({ ...tried.get(name)!, costAfter: alone['Total Cost'] });
  }
  return verified;
}

/** Runs `f` with hypothetical indexes of hypopg, which are gone afterwards. They live in the session and cost nothing. */
export async function withHypopg<Result>(
  db: Queryable,
  f: (trial: Trial) => Promise<Result>,
): Promise<Result> {
  const { rows } = await db.query(
    "SELECT n.nspname::text AS schema FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'hypopg'",
  );
  const call = (name: string): string => qualified((rows[0] as { schema: string }).schema, name);
  /** All that were made, by the name that they had at first. */
  const ddls = new Map<string, string>();
  const oids = new Set<string>();
  const create = async (ddl: string): Promise<{ name: string; sizeBytes: number }> => {
    const created = await db.query(
      `SELECT indexrelid::int8::text AS oid, indexname::text AS name, ${call('hypopg_relation_size')}(indexrelid)::float8 AS size FROM ${call('hypopg_create_index')}($1)`,
      [ddl],
    );
    const { oid, name, size } = created.rows[0] as { oid: string; name: string; size: number };
    oids.add(oid);
    return { name, sizeBytes: size };
  };
  const dropAll = async (): Promise<void> => {
    for (const oid of oids) {
      oids.delete(oid);
      await db.query(`SELECT ${call('hypopg_drop_index')}($1::oid)`, [oid]);
    }
  };
  try {
    return await f({
      async add({ definition }) {
        const ddl = renderIndex(definition, false);
        const created = await create(ddl);
        ddls.set(created.name, ddl);
        return created;
      },
      async alone(name, f) {
        await dropAll();
        await create(ddls.get(name)!);
        return await f();
      },
    });
  } finally {
    await dropAll();
  }
}

/**
 * Runs `f` with real indexes in a transaction that is rolled back. They take the time and the room of real ones, and writers to the
 * table wait meanwhile.
 */
export async function withinRollback<Result>(
  db: Queryable,
  lockTimeoutMs: number,
  f: (trial: Trial) => Promise<Result>,
): Promise<Result> {
  const made: { schema: string; name: string }[] = [];
  await db.query('BEGIN');
  try {
    await db.query(`SET LOCAL lock_timeout = ${lockTimeoutMs}`);
    return await f({
      async add({ definition }) {
        const name = `hotpath_trial_${made.length}`;
        const schema = (definition.table as readonly [string, string])[0];
        await db.query('SAVEPOINT hotpath_trial');
        try {
          await db.query(renderIndex({ ...definition, name: nameOf({ ...definition, name }) }, false));
        } catch (error) {
          if (!refusesDefinition(error)) throw error;
          await db.query('ROLLBACK TO SAVEPOINT hotpath_trial');
          return undefined;
        }
        made.push({ schema, name });
        const { rows } = await db.query('SELECT pg_relation_size($1::regclass)::float8 AS size', [
          qualified(schema, name),
        ]);
        return { name, sizeBytes: (rows[0] as { size: number }).size };
      },
      async alone(kept, f) {
        await db.query('SAVEPOINT hotpath_trial');
        for (const { schema, name } of made) {
          if (name !== kept) await db.query(`DROP INDEX ${qualified(schema, name)}`);
        }
        const result = await f();
        await db.query('ROLLBACK TO SAVEPOINT hotpath_trial');
        return result;
      },
    });
  } finally {
    await db.query('ROLLBACK');
  }
}

/** A row too large for an index, a function that is not immutable: this index cannot be, others can. */
function refusesDefinition(error: unknown): boolean {
  const { sqlState, code } = error as { sqlState?: unknown; code?: unknown };
  const state = String(sqlState ?? code);
  return ['54000', '42P17', '0A000', '42704'].includes(state);
}
