import {
  type Database,
  type DatabaseOptions,
  createDatabase,
  insertMany,
  loader,
  sql,
} from '@hotpath/database';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import {
  type FaultProxy,
  type PostgresServer,
  startPostgres,
  startProxy,
} from '../../../benchmarks/dist/services/index.js';

/** Empty where no Postgres can be had; then there are no binaries to start one either. */
const url = inject('postgresUrl');

/** How long faults go on, in milliseconds; a long run finds more. */
const CHAOS_MS = Number(process.env['HOTPATH_CHAOS_MS'] ?? 15_000);
/** The same numbers again: HOTPATH_CHAOS_SEED. What they meet is up to the clock. */
const SEED = Number(process.env['HOTPATH_CHAOS_SEED'] ?? Date.now() % 2 ** 31);
const WORKERS = 12;
/** Those whose reads share connections. */
const READERS = 3;
/** Far beyond every time limit below. */
const SETTLE_MS = 20_000;

/** Short ones, so that all of them are met. */
const times: DatabaseOptions = {
  cancelGraceMs: 300,
  connectTimeoutMs: 1_000,
  acquireTimeoutMs: 5_000,
  checkAfterIdleMs: 50,
  checkTimeoutMs: 300,
  maxLifetimeMs: 500,
  reconnectMinMs: 5,
  reconnectMaxMs: 100,
};

/** The last fault may be a restart, which is patient with a busy disk. */
const RESTART_MS = 80_000;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A small generator, so that a run can be made again (https://en.wikipedia.org/wiki/Linear_congruential_generator). */
function randomOf(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const abandoned = new Error('given up');

/** What was written, and whether we were told so. */
class Ledger {
  next = 1;
  /** Rows that must be there, by ID. */
  readonly acknowledged = new Map<number, number>();
  /** Rows that may be there, all of them or none, because of an error. */
  readonly uncertain = new Map<number, number>();
  readonly untyped: unknown[] = [];
  /** What was read or is stored, and is not what was asked for. */
  readonly wrong: unknown[] = [];
  operations = 0;
  reads = 0;

  /** Takes note of an error that no fault explains. */
  check(error: unknown): void {
    const { code, name } = error as { readonly code?: unknown; readonly name?: unknown };
    const typed = typeof code === 'string' && code.startsWith('ERR_HOTPATH_DATABASE_');
    if (!typed && error !== abandoned && name !== 'TimeoutError') this.untyped.push(error);
  }

  async write(rows: number, write: (id: number) => Promise<unknown>): Promise<void> {
    const id = this.next++;
    try {
      await write(id);
      this.acknowledged.set(id, rows);
    } catch (error) {
      this.uncertain.set(id, rows);
      throw error;
    }
  }
}

describe.skipIf(url === '')(`under random faults, seed ${SEED}`, () => {
  let server: PostgresServer;
  let writing: FaultProxy;
  let reading: FaultProxy;

  beforeAll(async () => {
    // It must keep what it acknowledged when it is killed.
    server = await startPostgres({ durable: true });
    writing = await startProxy(server.url);
    reading = await startProxy(server.url);
  });
  afterAll(async () => {
    await writing?.stop();
    await reading?.stop();
    await server?.stop();
  });

  /** One thing that a user does. */
  async function operate(db: Database, ledger: Ledger, random: (below: number) => number): Promise<void> {
    const choice = random(9);
    switch (choice) {
      case 0:
      case 1:
      case 2: {
        const signal = choice === 2 ? AbortSignal.timeout(1 + random(20)) : undefined;
        return ledger.write(1, (id) => db.query(sql`INSERT INTO written VALUES (${id}, 1)`, { signal }));
      }
      case 3:
      case 4: {
        const rows = 1 + random(300);
        const strategy = (['unnest', 'copy', 'values'] as const)[random(3)]!;
        const chunkRows = 1 + random(200);
        return ledger.write(rows, (id) =>
          insertMany(
            db,
            'written',
            Array.from({ length: rows }, (_, part) => ({ id, part })),
            { strategy, chunkRows, types: { id: 'int', part: 'int' } },
          ),
        );
      }
      case 5:
      case 6:
        return ledger.write(3, (id) =>
          db.transaction(
            async (tx) => {
              await tx.query('INSERT INTO written VALUES ($1, 1)', [id]);
              await tx.query('SAVEPOINT here');
              await insertMany(tx, 'written', [
                { id, part: 2 },
                { id, part: 3 },
              ]);
              if (random(5) === 0) throw abandoned;
            },
            { retries: 2 },
          ),
        );
      case 7: {
        let seen = 0;
        for await (const rows of db.stream(sql`SELECT n FROM generate_series(1, 5000) n`, {
          batchRows: 500,
        })) {
          seen += rows.length;
          if (random(8) === 0) return;
        }
        expect(seen).toBe(5_000);
        return;
      }
      default: {
        const keys = loader<{ id: number; name: string }>()(db, {
          table: 'known',
          key: 'id',
          types: { id: 'int' },
        });
        const wanted = Array.from({ length: 5 }, () => 1 + random(100));
        expect(await keys.loadMany(wanted)).toEqual(wanted.map((id) => ({ id, name: `name ${id}` })));
      }
    }
  }

  async function work(
    db: Database,
    ledger: Ledger,
    random: (below: number) => number,
    until: number,
  ): Promise<void> {
    while (performance.now() < until) {
      try {
        await operate(db, ledger, random);
      } catch (error) {
        ledger.check(error);
        await pause(random(10));
      }
      ledger.operations++;
    }
  }

  /** Reads in bursts, over connections that they share, without a time limit; some are refused, and their neighbours are not. */
  async function read(
    db: Database,
    ledger: Ledger,
    random: (below: number) => number,
    until: number,
  ): Promise<void> {
    while (performance.now() < until) {
      const divisors = Array.from({ length: 1 + random(60) }, () => (random(50) === 0 ? 0 : 1 + random(100)));
      const outcomes = await Promise.allSettled(
        divisors.map((divisor) => db.one<{ n: number }>('SELECT 10000 / $1::int AS n', [divisor])),
      );
      outcomes.forEach((outcome, index) => {
        const divisor = divisors[index]!;
        if (outcome.status === 'rejected') ledger.check(outcome.reason);
        else if (outcome.value.n !== Math.trunc(10_000 / divisor))
          ledger.wrong.push([divisor, outcome.value]);
        else ledger.reads++;
      });
      await pause(random(5));
    }
  }

  /** One thing that goes wrong, over by the end. */
  async function breakSomething(random: (below: number) => number): Promise<void> {
    const proxy = random(2) === 0 ? writing : reading;
    const direction = random(2) === 0 ? 'toServer' : 'toClient';
    switch (random(8)) {
      case 0:
        proxy.cutAll();
        break;
      case 1:
      case 2:
        proxy.closeAfterBytes(1 + random(3_000), direction);
        await pause(random(150));
        proxy.closeAfterBytes(Number.POSITIVE_INFINITY, direction);
        break;
      case 3:
        // Whoever has no time limit never hears of it.
        writing.halfOpen(true);
        await pause(random(100));
        writing.halfOpen(false);
        break;
      case 4:
        proxy.setLatencyMs(random(10), 2);
        await pause(random(200));
        proxy.setLatencyMs(0);
        break;
      case 5:
        await server.hang();
        await pause(random(200));
        await server.resume();
        break;
      case 6: {
        const admin = new pg.Client({
          connectionString: server.url,
          connectionTimeoutMillis: SETTLE_MS,
          query_timeout: SETTLE_MS,
        });
        admin.on('error', () => {});
        await admin.connect();
        await admin.query(
          'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND random() < 0.5',
        );
        await admin.end();
        break;
      }
      default:
        if (random(3) === 0) {
          await server.kill();
          await pause(random(100));
        }
        await server.restart();
    }
  }

  test(
    'every acknowledged row is there exactly once, nothing is there by halves, and nothing hangs',
    { timeout: CHAOS_MS + RESTART_MS + 4 * SETTLE_MS },
    async ({ annotate }) => {
      const random = randomOf(SEED);
      const ledger = new Ledger();
      const direct = createDatabase({ connectionString: server.url, min: 0, max: 2 });
      await direct.query(
        `CREATE TABLE written (id int, part int);
         CREATE TABLE known (id int PRIMARY KEY, name text); INSERT INTO known SELECT n, 'name ' || n FROM generate_series(1, 100) n`,
      );
      const db = createDatabase({
        connectionString: writing.url,
        min: 2,
        max: 6,
        queryTimeoutMs: 1_000,
        ...times,
      });
      const readers = createDatabase({ connectionString: reading.url, min: 0, max: 4, lanes: 2, ...times });
      const until = performance.now() + CHAOS_MS;
      const working = Promise.all([
        ...Array.from({ length: WORKERS }, (_, index) => work(db, ledger, randomOf(SEED + index + 1), until)),
        ...Array.from({ length: READERS }, (_, index) =>
          read(readers, ledger, randomOf(SEED - index - 1), until),
        ),
      ]);
      let faults = 0;
      while (performance.now() < until) {
        await pause(20 + random(200));
        await breakSomething(random);
        faults++;
      }
      const settled = await Promise.race([
        working.then(() => 'settled'),
        pause(SETTLE_MS).then(() => 'hanging'),
      ]);
      expect(settled).toBe('settled');
      expect(ledger.untyped).toEqual([]);
      expect(ledger.wrong).toEqual([]);

      // It works again as if nothing had been, and closes.
      for (const one of [db, readers]) {
        expect(await one.one(sql`SELECT ${1}::int AS a`)).toEqual({ a: 1 });
        const closed = one.close({ drainMs: 5_000 });
        expect(await Promise.race([closed.then(() => 'closed'), pause(SETTLE_MS).then(() => 'open')])).toBe(
          'closed',
        );
        expect(one.metrics()).toMatchObject({ total: 0, active: 0, waiting: 0, connecting: 0, leaks: 0 });
      }

      const stored = new Map<number, number>();
      for (const row of await direct.many<{ id: number; rows: number; parts: number }>(
        'SELECT id, count(*)::int AS rows, count(DISTINCT part)::int AS parts FROM written GROUP BY id',
      )) {
        if (row.parts !== row.rows) ledger.wrong.push(row);
        stored.set(row.id, row.rows);
      }
      await direct.close();
      // A long run has hundreds of thousands, too many to expect something of each.
      for (const [id, rows] of ledger.acknowledged) {
        if (stored.get(id) !== rows) ledger.wrong.push({ id, rows, stored: stored.get(id) });
      }
      for (const [id, rows] of ledger.uncertain) {
        if ((stored.get(id) ?? rows) !== rows) ledger.wrong.push({ id, rows, stored: stored.get(id) });
      }
      expect(ledger.wrong).toEqual([]);
      const committed = [...ledger.uncertain.keys()].filter((id) => stored.has(id)).length;
      await annotate(
        `${ledger.operations} operations, ${faults} faults: ${ledger.acknowledged.size} writes acknowledged, ` +
          `${ledger.uncertain.size} not, of which ${committed} took effect; ${ledger.reads} reads answered; ` +
          `${db.metrics().opened} connections opened`,
      );
      expect(ledger.acknowledged.size).toBeGreaterThan(10);
      expect(ledger.uncertain.size).toBeGreaterThan(0);
      expect(ledger.reads).toBeGreaterThan(100);
    },
  );
});
