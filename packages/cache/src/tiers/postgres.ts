import { randomBytes } from 'node:crypto';
import { checkCount, checkTimerMs, checkTtlMs } from '../check.ts';
import type { Clock } from '../clock.ts';
import { checkCodec, type Codec, decodeValue, encodeValue, jsonCodec } from '../codec.ts';
import { ArgumentRangeError, ArgumentTypeError } from '../errors.ts';
import type {
  LeaseAnswer,
  RegionOptions,
  Tier,
  TierEntry,
  TierLease,
  TierRegion,
  TierWrite,
} from '../tier.ts';
import { HASHED } from '../key.ts';
import { FAILED, statementsFor, type Statements } from './postgres-sql.ts';

/** Anything that runs a statement: a pool or client of `pg`, of `@hotpath/database`, or a stand-in. */
export interface Queryable {
  query(text: string, values?: unknown[]): Promise<{ readonly rows: readonly unknown[] }>;
}

/** Options of {@link postgresTier}. */
export interface PostgresTierOptions {
  /** A pool rather than a client: reads go out beside each other. It stays yours to close. */
  readonly db: Queryable;
  /** Made by {@link PostgresTierFactory.migration}; `cache_table` by default, a schema may go before it. */
  readonly table?: string;
  /** How long a read waits for Postgres, in ms; 1000 by default. */
  readonly deadlineMs?: number;
  /** Longest life of an entry in the table, in ms; the definition's own by default. */
  readonly maxTtlMs?: number;
  /** JSON by default. */
  readonly codec?: Codec;
}

interface Row {
  readonly key: string;
  readonly value: string | null;
  readonly ttl_ms: number | null;
  readonly fresh_ms: number | null;
  /** A bigint, which `pg` gives as text. */
  readonly version: string | number | null;
  readonly stamp: string | null;
}

type RowParameters = readonly [
  value: string | null,
  ttlMs: number | null,
  freshMs: number | null,
  version: number | null,
  stamp: string | null,
];

/** Longer than any life; an interval of Postgres holds it. */
const FOREVER_MS = 1e13;

const LAST_CHARACTER = '\u{10FFFF}';

interface LeaseRow extends Row {
  readonly granted: boolean;
  /** Of who has it, or why the last one failed. */
  readonly lease: string | null;
}

/** The tier made by {@link postgresTier}. */
export class PostgresTier implements Tier {
  readonly name: string = 'postgres';
  readonly deadlineMs: number;
  readonly maxTtlMs?: number;
  readonly plain: boolean;
  readonly #db: Queryable;
  readonly #codec: Codec;
  readonly #sql: Statements;
  /** Rows whose value the codec could not read. */
  corruptCount = 0;

  constructor(options: PostgresTierOptions) {
    if (typeof options?.db?.query !== 'function') {
      throw new ArgumentTypeError(
        `db: expected something with query(text, values), got ${typeof options?.db}`,
      );
    }
    this.#db = options.db;
    this.#codec = checkCodec(options.codec ?? jsonCodec);
    this.plain = this.#codec === jsonCodec;
    this.#sql = statementsFor(quotedTable(options.table ?? 'cache_table'));
    this.deadlineMs = checkTimerMs('deadlineMs', options.deadlineMs ?? 1000);
    if (options.maxTtlMs !== undefined) this.maxTtlMs = checkTtlMs('maxTtlMs', options.maxTtlMs);
  }

  open(region: RegionOptions): TierRegion {
    return new PostgresRegion(this.#db, this.#codec, this.#sql, region, () => {
      this.corruptCount++;
    });
  }

  /**
   * Deletes up to `limit` expired rows, which are never read but take room; call it now and then.
   *
   * @returns how many went; `limit` of them means that there may be more.
   */
  async sweep(limit: number = 10_000): Promise<number> {
    const { rows } = await this.#db.query(this.#sql.sweep, [checkCount('limit', limit)]);
    return Number((rows[0] as { count: string }).count);
  }
}

class PostgresRegion implements TierRegion {
  readonly lease: TierLease;
  readonly #db: Queryable;
  readonly #codec: Codec;
  readonly #sql: Statements;
  readonly #prefix: string;
  readonly #clock: Clock;
  readonly #onCorrupt: () => void;
  readonly #tokenPrefix: string = `${randomBytes(9).toString('base64url')}.`;
  #tokenCount = 0;

  constructor(db: Queryable, codec: Codec, sql: Statements, region: RegionOptions, onCorrupt: () => void) {
    this.#db = db;
    this.#codec = codec;
    this.#sql = sql;
    this.#prefix = region.prefix;
    this.#clock = region.clock;
    this.#onCorrupt = onCorrupt;
    this.lease = {
      acquire: (key, leaseMs, freshBeyond, hasWaited) =>
        this.#acquire(key, leaseMs, freshBeyond, hasWaited === true),
      fill: (write, token) => this.#fill(write, token),
      release: async (key, token) => {
        await this.#db.query(this.#sql.release, [this.#prefix + key, token]);
      },
      fail: async (key, token, failure) => {
        await this.#db.query(this.#sql.fail, [this.#prefix + key, token, failure]);
      },
    };
  }

  async getMany(keys: readonly string[]): Promise<readonly (TierEntry | undefined)[]> {
    const full = keys.map((key) => this.#prefix + key);
    const askedAt = this.#clock.now();
    const { rows } = await this.#db.query(this.#sql.select, [full]);
    const found = new Map<string, Row>();
    for (const row of rows as readonly Row[]) found.set(row.key, row);
    return full.map((key) => {
      const row = found.get(key);
      return row === undefined ? undefined : this.#open(row, askedAt);
    });
  }

  async setMany(writes: readonly TierWrite[]): Promise<void> {
    if (writes.length === 0) return;
    // One statement cannot write a row twice; the last one wins.
    const rows = new Map<string, RowParameters>();
    for (const write of writes) rows.set(this.#prefix + write.key, this.#parameters(write));
    // In the order of their keys, so that two writers of the same rows cannot wait for each other.
    const keys = [...rows.keys()].sort();
    const columns = [0, 1, 2, 3, 4].map((index) => keys.map((key) => rows.get(key)![index]));
    await this.#db.query(this.#sql.upsert, [keys, ...columns]);
  }

  async deleteMany(keys: readonly string[]): Promise<void> {
    await this.#db.query(this.#sql.delete, [keys.map((key) => this.#prefix + key)]);
  }

  async clear(prefix: string = ''): Promise<void> {
    await this.#clear(this.#prefix + prefix);
    // Keys that are stored hashed do not show what they begin with.
    if (prefix !== '') await this.#clear(this.#prefix + HASHED);
  }

  async #clear(prefix: string): Promise<void> {
    await this.#db.query(this.#sql.clear, [prefix, successor(prefix)]);
  }

  async #acquire(
    key: string,
    leaseMs: number,
    freshBeyond: number | undefined,
    hasWaited: boolean,
  ): Promise<LeaseAnswer> {
    const token = this.#tokenPrefix + (this.#tokenCount++).toString(36);
    const askedAt = this.#clock.now();
    const { rows } = await this.#db.query(this.#sql.acquire, [
      this.#prefix + key,
      token,
      leaseMs,
      // Null, which is beyond `Infinity`, takes any entry.
      freshBeyond === undefined ? -FOREVER_MS : this.#left(freshBeyond),
      hasWaited,
    ]);
    const row = rows[0] as LeaseRow | undefined;
    // None: taken between this statement's snapshot and its write.
    if (row === undefined) return { kind: 'held' };
    if (row.granted) return { kind: 'granted', token };
    const { lease } = row;
    if (lease?.startsWith(FAILED) === true)
      return hasWaited ? { kind: 'failed', failure: lease.slice(FAILED.length) } : { kind: 'held' };
    if (lease !== null) return { kind: 'held', token: lease };
    const entry = this.#open(row, askedAt);
    if (entry !== undefined) return { kind: 'hit', entry };
    // Unreadable: to be replaced.
    await this.#db.query(this.#sql.takeOver, [this.#prefix + key, token, leaseMs]);
    return { kind: 'granted', token };
  }

  async #fill(write: TierWrite, token: string): Promise<boolean> {
    const values = [this.#prefix + write.key, token, ...this.#parameters(write)];
    const { rows } = await this.#db.query(this.#sql.fill, values);
    return rows.length === 1;
  }

  #left(moment: number): number | null {
    return moment === Infinity ? null : moment - this.#clock.now();
  }

  #parameters(write: TierWrite): RowParameters {
    return [
      write.value === undefined ? null : encodeValue(this.#codec, write.value),
      this.#left(write.expiresAt),
      write.freshUntil === write.expiresAt ? null : this.#left(write.freshUntil),
      write.version ?? null,
      write.stamp ?? null,
    ];
  }

  /** What was left was counted by the server after `askedAt`, so the sum errs on the short side. */
  #open(row: Row, askedAt: number): TierEntry | undefined {
    const ends = {
      expiresAt: row.ttl_ms === null ? Infinity : askedAt + row.ttl_ms,
      freshUntil: row.fresh_ms === null ? Infinity : askedAt + row.fresh_ms,
      ...(row.version === null ? {} : { version: Number(row.version) }),
      ...(row.stamp === null ? {} : { stamp: row.stamp }),
    };
    if (row.value === null) return { value: undefined, ...ends };
    try {
      return { value: decodeValue(this.#codec, row.value), ...ends };
    } catch {
      this.#onCorrupt();
      return undefined;
    }
  }
}

/** What sorts, byte by byte of UTF-8, after everything that begins with the prefix: the prefix with its last character raised. */
function successor(prefix: string): string {
  const characters = Array.from(prefix);
  let last = characters.pop();
  // The last character of all cannot be raised. A region's prefix begins with ASCII, so that the loop ends before it.
  while (last === LAST_CHARACTER) last = characters.pop();
  const code = last!.codePointAt(0)!;
  // Between the two are the surrogates, which are no characters.
  return characters.join('') + String.fromCodePoint(code === 0xd7ff ? 0xe000 : code + 1);
}

/** @throws {ArgumentRangeError} for anything but a plain name, with or without a schema. */
function quotedTable(table: unknown): string {
  if (typeof table !== 'string') throw new ArgumentTypeError(`table: expected a string, got ${typeof table}`);
  if (!/^[A-Za-z_][A-Za-z0-9_$]{0,62}(\.[A-Za-z_][A-Za-z0-9_$]{0,62})?$/.test(table)) {
    throw new ArgumentRangeError(
      'table: expected a name of letters, digits, "_" or "$", with or without a schema',
    );
  }
  return table
    .split('.')
    .map((part) => `"${part}"`)
    .join('.');
}

/** What {@link postgresTier} is. */
export interface PostgresTierFactory {
  (options: PostgresTierOptions): PostgresTier;
  /**
   * The statements that make the table, to go into a migration of yours; the tier itself never changes the schema.
   *
   * @throws {ArgumentRangeError} when the name needs quoting.
   */
  migration(table?: string): string;
}

/**
 * The level that outlives Redis: one row a key in a table of yours, `cache_table(key, value, …)`.
 *
 * Lives are counted by the clock of Postgres, so processes with different clocks agree.
 *
 * @throws {ArgumentTypeError | ArgumentRangeError} when an option is of the wrong type or out of range.
 * @example
 * ```ts
 * await pool.query(postgresTier.migration('cache_table'));
 * const cache = createCache({ tiers: [memoryTier(), redisTier({ client }), postgresTier({ db: pool })] });
 * ```
 */
export const postgresTier: PostgresTierFactory = Object.assign(
  (options: PostgresTierOptions): PostgresTier => new PostgresTier(options),
  { migration: (table: string = 'cache_table'): string => statementsFor(quotedTable(table)).migration },
);
