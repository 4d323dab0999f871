import { setTimeout as wait } from 'node:timers/promises';
import {
  ConnectionLostError,
  IndexBuildError,
  ArgumentTypeError,
  ArgumentRangeError,
  invalidType,
} from '../errors.ts';
import { quoteTable } from '../insert/identifier.ts';
import { backoffMs } from '../pool/backoff.ts';
import { checkOptionsObject, checkSignal } from '../pool/options.ts';
import type { Queryable } from '../queryable.ts';
import { type IndexDefinition, nameOf, qualified, renderIndex } from './index-definition.ts';
import { type OneSession, onOneSession } from './one-session.ts';

/** Options of {@link createIndexConcurrently}. */
export interface CreateIndexOptions {
  /**
   * Time to wait for a lock, in milliseconds: for the table's, and for each transaction that was under way before. Default 5,000.
   * While it waits for the table's, new readers and writers queue behind it.
   */
  readonly lockTimeoutMs?: number | undefined;
  /** Further attempts after a lock was not to be had or a deadlock, 0 to 100. Default 3. */
  readonly retries?: number | undefined;
  /** First pause between two attempts, in milliseconds; it doubles, up to 30 s, with jitter. Default 1,000. */
  readonly retryMinMs?: number | undefined;
  /** Stops the build, and drops what there is of it. With a `pg.Client` it is looked at between attempts only. */
  readonly signal?: AbortSignal | undefined;
}

/** What {@link createIndexConcurrently} did. */
export interface CreateIndexResult {
  readonly schema: string;
  readonly name: string;
  /** False when the same index was there already. */
  readonly created: boolean;
  readonly attempts: number;
  /** INVALID indexes of this name that were dropped, of failed attempts, one's own and former ones. */
  readonly droppedInvalid: number;
}

interface Resolved {
  readonly lockTimeoutMs: number;
  readonly retries: number;
  readonly retryMinMs: number;
  readonly signal: AbortSignal | undefined;
}

/** What the catalogue knows of a name in the table's schema. */
interface Existing {
  readonly is_index: boolean;
  readonly on_table: boolean | null;
  readonly valid: boolean | null;
  readonly under_way: boolean;
  /** The same keys, order, operator classes and condition: compared by the server's own text. */
  readonly definition: string | null;
}

const RETRY_MAX_MS = 30_000;
const DEADLOCK = '40P01';
const LOCK_NOT_AVAILABLE = '55P03';
/** However few retries are allowed: an INVALID index left behind costs every write. */
const LEAST_DROPS = 3;

/** Whether another attempt may fare better: what was in the way ends by itself. */
function mayPass(error: unknown): boolean {
  const state = sqlStateOf(error);
  return state === LOCK_NOT_AVAILABLE || state === DEADLOCK;
}

/** An index without its name: its keys with their order and operator classes, its condition, its method. */
function shapeSql(index: string, relation: string): string {
  return `jsonb_build_array(${relation}.relam, ${index}.indisunique, ${index}.indnkeyatts, ${index}.indclass::text, ${index}.indoption::text, pg_get_expr(${index}.indpred, ${index}.indrelid),
    (SELECT jsonb_agg(pg_get_indexdef(${index}.indexrelid, k, false) ORDER BY k) FROM generate_series(1, ${index}.indnatts) AS k))::text`;
}

const SAME_SQL = `SELECT ${shapeSql('i', 'c')} AS definition FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
WHERE i.indexrelid = 'pg_temp.hotpath_same_index'::regclass`;

const EXISTING_SQL = `SELECT i.indexrelid IS NOT NULL AS is_index, i.indrelid = t.oid AS on_table, i.indisvalid AND i.indisready AS valid,
  EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index p WHERE p.index_relid = c.oid AND p.pid <> pg_backend_pid()) AS under_way,
  ${shapeSql('i', 'c')} AS definition
FROM pg_catalog.pg_class t
JOIN pg_catalog.pg_class c ON c.relnamespace = t.relnamespace AND c.relname = $2
LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
WHERE t.oid = $1::regclass`;

/**
 * Builds an index while the table is read and written.
 *
 * `CREATE INDEX CONCURRENTLY` leaves an INVALID index when it fails, which costs every write and serves no query. This drops it, tries
 * again after a lock that was not to be had, and drops one that a former failure left. Made twice, the second call does nothing.
 *
 * @param db ours, a `pg.Pool` or a `pg.Client`, and not in a transaction; anything else must be one connection.
 * @throws {IndexBuildError} with the reason; `cause` is the server's error. An aborted signal rejects with its own reason when
 * nothing of the index is left.
 * @throws {ArgumentTypeError} {ArgumentRangeError} for a definition or options that cannot be.
 *
 * @example
 * ```ts
 * await createIndexConcurrently(db, { table: 'users', keys: ['name', 'email'] });
 * ```
 */
export async function createIndexConcurrently(
  db: Queryable,
  definition: IndexDefinition,
  options: CreateIndexOptions = {},
): Promise<CreateIndexResult> {
  if (typeof definition !== 'object' || definition === null)
    throw invalidType('definition', 'an object', definition);
  const resolved = resolve(options);
  resolved.signal?.throwIfAborted();
  const ddl = renderIndex(definition, true);
  // Without the signal: a build that was aborted must still be cleaned up.
  return await onOneSession(db, undefined, async (on) => {
    if (on.inTransaction()) throw new ArgumentTypeError('db: expected no transaction under way');
    return await new Build(on, definition, ddl, resolved).run();
  });
}

function resolve(options: CreateIndexOptions): Resolved {
  checkOptionsObject(options);
  const { lockTimeoutMs = 5_000, retries = 3, retryMinMs = 1_000, signal } = options;
  for (const [name, value, least, most] of [
    ['lockTimeoutMs', lockTimeoutMs, 1, 2 ** 31 - 1],
    ['retries', retries, 0, 100],
    ['retryMinMs', retryMinMs, 0, RETRY_MAX_MS],
  ] as const) {
    if (!Number.isInteger(value)) throw invalidType(name, 'a whole number', value);
    if (value < least || value > most)
      throw new ArgumentRangeError(`${name}: expected ${least} to ${most}, got ${value}`);
  }
  checkSignal(signal);
  return { lockTimeoutMs, retries, retryMinMs, signal };
}

function sqlStateOf(error: unknown): string {
  const { sqlState, code } = error as { sqlState?: unknown; code?: unknown };
  return String(sqlState ?? code);
}

class Build {
  readonly #on: OneSession;
  readonly #session: Queryable;
  readonly #definition: IndexDefinition;
  readonly #ddl: string;
  readonly #options: Resolved;
  readonly #name: string;
  readonly #table: string;
  #schema = '';
  #attempts = 0;
  #dropped = 0;
  #failedDrops = 0;

  constructor(on: OneSession, definition: IndexDefinition, ddl: string, options: Resolved) {
    this.#on = on;
    this.#session = on.session;
    this.#definition = definition;
    this.#ddl = ddl;
    this.#options = options;
    this.#name = nameOf(definition);
    this.#table = quoteTable(definition.table);
  }

  async run(): Promise<CreateIndexResult> {
    const { rows } = await this.#session.query(
      `SELECT n.nspname::text AS schema, current_setting('lock_timeout') AS lock, current_setting('statement_timeout') AS statement
      FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $1::regclass`,
      [this.#table],
    );
    const before = rows[0] as { schema: string; lock: string; statement: string };
    this.#schema = before.schema;
    await this.#set(String(this.#options.lockTimeoutMs), '0');
    try {
      return await this.#untilBuilt();
    } finally {
      // When the connection is lost there is nothing to put right.
      await this.#set(before.lock, before.statement).catch(() => {});
    }
  }

  async #set(lockTimeout: string, statementTimeout: string): Promise<void> {
    await this.#session.query(
      "SELECT set_config('lock_timeout', $1, false), set_config('statement_timeout', $2, false)",
      [lockTimeout, statementTimeout],
    );
  }

  async #untilBuilt(): Promise<CreateIndexResult> {
    for (;;) {
      if (await this.#isThere()) return this.#result(this.#attempts > 0);
      this.#attempts++;
      try {
        await this.#on.cancellable(this.#ddl, this.#options.signal);
        return this.#result(true);
      } catch (error) {
        await this.#afterFailure(error);
      }
    }
  }

  #result(created: boolean): CreateIndexResult {
    return {
      schema: this.#schema,
      name: this.#name,
      created,
      attempts: this.#attempts,
      droppedInvalid: this.#dropped,
    };
  }

  /** True when the index is there and valid. Drops an invalid one. */
  async #isThere(): Promise<boolean> {
    const existing = await this.#existing();
    if (existing === undefined) return false;
    if (!existing.is_index || existing.on_table !== true) throw this.#failure('name-taken');
    if (existing.under_way) throw this.#failure('under-way');
    if (existing.valid === true) {
      if (!(await this.#isSame(existing.definition!))) throw this.#failure('name-taken');
      return true;
    }
    await this.#dropInvalid();
    return false;
  }

  async #existing(): Promise<Existing | undefined> {
    const { rows } = await this.#session.query(EXISTING_SQL, [this.#table, this.#name]);
    return rows[0] as Existing | undefined;
  }

  /** Has the server write our definition as it writes the existing one: on an empty copy of the table. */
  async #isSame(definition: string): Promise<boolean> {
    // A name made of the definition can only mean the same, but for a name of one's own that looks like it.
    const query = (text: string): Promise<unknown> => this.#session.query(text);
    await query('BEGIN');
    try {
      await query(`CREATE TEMPORARY TABLE hotpath_same (LIKE ${this.#table}) ON COMMIT DROP`);
      await query(
        renderIndex(
          { ...this.#definition, table: ['pg_temp', 'hotpath_same'], name: 'hotpath_same_index' },
          false,
        ),
      );
      const { rows } = await this.#session.query(SAME_SQL);
      return (rows[0] as { definition: string }).definition === definition;
    } finally {
      await query('ROLLBACK');
    }
  }

  /** Waits for locks as patiently as the build does; after an abort only as long as a few attempts take. */
  async #dropInvalid(): Promise<void> {
    const { signal, retries } = this.#options;
    for (;;) {
      try {
        await this.#session.query(`DROP INDEX CONCURRENTLY IF EXISTS ${qualified(this.#schema, this.#name)}`);
        this.#dropped++;
        return;
      } catch (error) {
        this.#failedDrops++;
        const patience = signal?.aborted === true ? 0 : retries;
        if (!mayPass(error) || this.#failedDrops >= Math.max(LEAST_DROPS, patience + 1)) {
          throw this.#failure('locked', error, true);
        }
        await this.#pause(this.#failedDrops).catch(() => {});
      }
    }
  }

  /** Rejects when it is aborted. */
  async #pause(failures: number): Promise<void> {
    const { signal, retryMinMs } = this.#options;
    const pauseMs = backoffMs(failures, retryMinMs, RETRY_MAX_MS, Math.random);
    await wait(pauseMs, undefined, signal === undefined ? {} : { signal });
  }

  /** Cleans up, and returns when another attempt is due. */
  async #afterFailure(error: unknown): Promise<void> {
    const { signal, retries } = this.#options;
    let existing: Existing | undefined;
    try {
      existing = await this.#existing();
    } catch {
      // The connection is gone: whether an invalid index is left, nobody can say from here.
      throw this.#failure('interrupted', error, true);
    }
    const isOurs = existing?.on_table === true && existing.valid === false && !existing.under_way;
    if (isOurs) await this.#dropInvalid();
    signal?.throwIfAborted();
    if (!mayPass(error)) {
      throw this.#failure(error instanceof ConnectionLostError ? 'interrupted' : 'refused', error);
    }
    if (this.#attempts > retries) throw this.#failure('locked', error);
    await this.#pause(this.#attempts);
  }

  #failure(
    reason: ConstructorParameters<typeof IndexBuildError>[1],
    cause?: unknown,
    invalidIndexLeft = false,
  ): IndexBuildError {
    return new IndexBuildError(this.#name, reason, { attempts: this.#attempts, invalidIndexLeft }, cause);
  }
}
