import { ArgumentTypeError, ArgumentRangeError, invalidType } from '../errors.ts';
import type { TableName } from '../insert/identifier.ts';
import { checkOptionsObject } from '../pool/options.ts';
import type { Queryable } from '../queryable.ts';
import { type Candidate, RARE_SHARE, candidatesOf, predicateSql, predicatesOf } from './candidates.ts';
import { type TableFacts, readTable } from './catalog.ts';
import type { Condition } from './condition.ts';
import { type Explain, explainGeneric, explainWith, readServerVersion } from './explain.ts';
import { type IndexDefinition, qualified, renderIndex } from './index-definition.ts';
import { type OneSession, onOneSession } from './one-session.ts';
import { type PlanNode, type TableAccess, accessesOf } from './plan.ts';
import { type ExplainableText, oneStatement } from './sql-tokens.ts';
import { type Trial, type Verified, hasHypopg, tryIndexes, withHypopg, withinRollback } from './verify.ts';

/** How the advice was checked: by the planner with hypothetical indexes, with real ones that were rolled back, or not at all. */
export type Verification = 'hypopg' | 'transaction' | 'none';

/** Options of {@link advise}. */
export interface AdviseOptions {
  /**
   * How to check the advice. `'auto'` (the default): by hypopg where the extension is installed in the database, else not at all.
   * `'transaction'` builds the indexes for real and rolls them back: as slow as building them, and writers to the table wait meanwhile.
   */
  readonly verify?: 'auto' | Verification | undefined;
  /** Tables with fewer rows are left alone: reading all of them is right. Default 1,000. */
  readonly minRows?: number | undefined;
  /** Advice that makes the query less than so many times cheaper is not given; above 1. Default 1.5. */
  readonly minGain?: number | undefined;
  /** For `verify: 'transaction'`: time to wait for the table's lock, in milliseconds. Default 1,000. */
  readonly lockTimeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** An index that a query lacks. */
export interface IndexAdvice {
  readonly table: readonly [schema: string, table: string];
  /** For `createIndexConcurrently`. */
  readonly index: IndexDefinition;
  /** The statement that makes it, without a lock that writers wait for. */
  readonly ddl: string;
  /** What the plan does without it. */
  readonly reason: string;
  /** How many times cheaper the query gets with this index alone, by the planner's cost; estimated from row counts when unverified. */
  readonly gain: number;
  readonly verified: Verification;
  /** Of the index, in bytes: by hypopg's estimate or as it was built; undefined when unverified. */
  readonly sizeBytes: number | undefined;
}

/** What {@link advise} found. */
export interface Advice {
  /** The planner's cost of the query as things are. */
  readonly cost: number;
  readonly indexes: readonly IndexAdvice[];
}

interface Resolved {
  readonly verify: 'auto' | Verification;
  readonly minRows: number;
  readonly minGain: number;
  readonly lockTimeoutMs: number;
}

/** A table's part in the plan, with what could serve it. */
interface Opportunity {
  readonly access: TableAccess;
  readonly facts: TableFacts;
  readonly candidates: readonly Candidate[];
}

/** Cost of a page that is read for itself, `random_page_cost`, and the pages from an index's root to a leaf. */
const RANDOM_PAGE_COST = 4;
const DESCENT_PAGES = 3;
const VERIFICATIONS: readonly string[] = ['auto', 'hypopg', 'transaction', 'none'];

/**
 * Reads a query's plan and says which indexes it lacks: single, composite or partial ones, for its conditions, its order and its JOINs.
 * The query is explained, never executed.
 *
 * With `params` it is planned for these values. Without, `$1` in it is taken as any value.
 *
 * @param db ours, a `pg.Pool` or a `pg.Client`; anything else must be one connection.
 * @throws {ArgumentTypeError} {ArgumentRangeError} for options, and for a query that is not one statement of the kind that EXPLAIN takes.
 * @throws {QueryError} when the server refuses the query, or the lock is not to be had in time.
 *
 * @example
 * ```ts
 * const { indexes } = await advise(db, 'SELECT * FROM users WHERE email = $1', ['ada@example.com']);
 * for (const { ddl, gain } of indexes) console.log(`${ddl} -- ${gain.toFixed(0)} times cheaper`);
 * ```
 */
export async function advise(
  db: Queryable,
  query: string,
  params: readonly unknown[] = [],
  options: AdviseOptions = {},
): Promise<Advice> {
  if (typeof query !== 'string') throw invalidType('query', 'a string', query);
  if (!Array.isArray(params)) throw invalidType('params', 'an array', params);
  const statement = oneStatement(query);
  if (params.length > 0 && params.length !== statement.parameterCount) {
    throw new ArgumentRangeError(
      `params: expected ${statement.parameterCount} values, as many as the query has, or none; got ${params.length}`,
    );
  }
  const resolved = resolve(options);
  return await onOneSession(db, options.signal, (on) => adviseOn(on, statement, params, resolved));
}

function resolve(options: AdviseOptions): Resolved {
  checkOptionsObject(options);
  const { verify = 'auto', minRows = 1_000, minGain = 1.5, lockTimeoutMs = 1_000 } = options;
  if (!VERIFICATIONS.includes(verify)) {
    throw new ArgumentRangeError(
      "verify: expected 'auto', 'hypopg', 'transaction' or 'none', got something else",
    );
  }
  for (const [name, value, least] of [
    ['minRows', minRows, 0],
    ['minGain', minGain, 1],
    ['lockTimeoutMs', lockTimeoutMs, 1],
  ] as const) {
    if (typeof value !== 'number') throw invalidType(name, 'a number', value);
    if (!(value >= least && value <= 2 ** 31 - 1))
      throw new ArgumentRangeError(`${name}: expected at least ${least}, got ${value}`);
  }
  return { verify, minRows, minGain, lockTimeoutMs: Math.round(lockTimeoutMs) };
}

async function adviseOn(
  on: OneSession,
  statement: ExplainableText,
  params: readonly unknown[],
  options: Resolved,
): Promise<Advice> {
  const { session } = on;
  const generic = explainGeneric(session, await readServerVersion(session), () => on.inTransaction());
  const explain = params.length === 0 ? generic : explainWith(session, params);
  const plan = await explain(statement);
  // With values a plan does not tell the query's own literals from them.
  const isLiteral = literalsOf(params.length === 0 ? plan : await generic(statement));
  const opportunities = await findOpportunities(session, plan, isLiteral, options.minRows);
  const advice = { cost: plan['Total Cost'], indexes: [] as IndexAdvice[] };
  if (opportunities.length === 0) return advice;
  const how = await chooseVerification(on, options.verify);
  if (how === 'none') advice.indexes = opportunities.flatMap((found) => estimate(found, plan) ?? []);
  else {
    const candidates = opportunities.flatMap((found) => found.candidates);
    const work = (trial: Trial): Promise<Verified[]> => tryIndexes(trial, explain, statement, candidates);
    const verified = await (how === 'hypopg'
      ? withHypopg(session, work)
      : withinRollback(session, options.lockTimeoutMs, work));
    advice.indexes = verified.map(({ candidate, costAfter, sizeBytes }) =>
      toAdvice(candidate, plan['Total Cost'] / costAfter, how, sizeBytes),
    );
  }
  advice.indexes = advice.indexes
    .filter(({ gain }) => gain >= options.minGain)
    .toSorted((a, b) => b.gain - a.gain);
  return advice;
}

async function chooseVerification(on: OneSession, verify: Resolved['verify']): Promise<Verification> {
  if (verify === 'none') return 'none';
  if (verify === 'transaction') {
    if (on.inTransaction())
      throw new ArgumentTypeError("db: expected no transaction under way with verify: 'transaction'");
    return 'transaction';
  }
  if (await hasHypopg(on.session)) return 'hypopg';
  if (verify === 'auto') return 'none';
  throw new ArgumentRangeError("verify: expected the extension hypopg in this database for 'hypopg'");
}

/** Conditions of the text itself, by what a plan without values says. */
function literalsOf(plan: PlanNode): (condition: Condition) => boolean {
  const keyOf = (alias: string, { literal }: Condition): string => `${alias} ${literal}`;
  const known = new Set<string>();
  for (const { alias, conditions } of accessesOf(plan)) {
    for (const condition of conditions)
      if (condition.literal !== undefined) known.add(keyOf(alias, condition));
  }
  return (condition) => known.has(keyOf(condition.alias, condition));
}

async function findOpportunities(
  session: Queryable,
  plan: PlanNode,
  isLiteral: (condition: Condition) => boolean,
  minRows: number,
): Promise<Opportunity[]> {
  const found: Opportunity[] = [];
  const tables = new Map<string, TableFacts | undefined>();
  for (const access of accessesOf(plan)) {
    const name = qualified(access.schema, access.table);
    if (!tables.has(name)) tables.set(name, await readTable(session, access.schema, access.table));
    const facts = tables.get(name);
    // What was never analysed has no statistics to judge by, and -1 rows.
    if (facts === undefined || facts.rows < minRows) continue;
    const predicates = predicatesOf(access, facts, isLiteral);
    const share = predicates.length === 0 ? 1 : await shareOf(session, name, predicates, facts);
    const candidates = candidatesOf(access, facts, predicates, share);
    if (candidates.length > 0) found.push({ access, facts, candidates });
  }
  return found;
}

/** The planner's own estimate of the share of rows for which the conditions hold. */
async function shareOf(
  session: Queryable,
  table: string,
  predicates: readonly Condition[],
  facts: TableFacts,
): Promise<number> {
  const explain: Explain = explainWith(session, []);
  const plan = await explain({
    text: `SELECT FROM ${table} WHERE ${predicateSql(predicates)}`,
    parameterCount: 0,
  });
  // A parallel plan's top gathers the rows of all workers.
  return Math.min(1, plan['Plan Rows'] / Math.max(1, facts.rows));
}

/** Without the planner: the best candidate of a table by rule, and its gain by the rows that it spares. */
function estimate({ access, facts, candidates }: Opportunity, plan: PlanNode): IndexAdvice | undefined {
  // Fewer rows to read beat none to sort.
  const rank = ({ share, ordered, narrowing }: Candidate): number =>
    (share <= RARE_SHARE ? 1_000 : 0) + 2 * narrowing + (ordered ? 1 : 0);
  const best = candidates.toSorted((a, b) => rank(b) - rank(a))[0]!;
  // Whether a JOIN would rather ask row by row is for the planner to say.
  if (access.conditions.length === 0 && !best.ordered) return undefined;
  const rows = Math.min(access.rows, facts.rows * best.share);
  const costWith = (DESCENT_PAGES + rows) * RANDOM_PAGE_COST;
  const total = plan['Total Cost'];
  const after = total - Math.max(0, Math.min(access.cost, total) - costWith);
  return toAdvice(best, total / after, 'none', undefined);
}

function toAdvice(
  candidate: Candidate,
  gain: number,
  verified: Verification,
  sizeBytes: number | undefined,
): IndexAdvice {
  const { definition, reason } = candidate;
  return {
    table: definition.table as Extract<TableName, readonly unknown[]>,
    index: definition,
    ddl: renderIndex(definition, true),
    reason,
    gain,
    verified,
    sizeBytes,
  };
}
