import { type Database, type LeasedConnection } from '@hotpath/database';
import { spawn } from 'node:child_process';
import diagnostics from 'node:diagnostics_channel';
import { once } from 'node:events';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { freshDatabase, postgresUrl } from './fresh-database.ts';

interface Leak {
  readonly site: string;
  readonly heldMs: number;
  readonly processId: number;
}

describe.skipIf(postgresUrl === '')('leases that are not given back', () => {
  const fresh = freshDatabase();
  const { open } = fresh;
  const leaks: Leak[] = [];
  const onLeak = (leak: unknown): void => {
    leaks.push(leak as Leak);
  };

  beforeAll(() => {
    diagnostics.subscribe('hotpath:database:leak', onLeak);
  });
  // Not after each: pools that are cut off then tell of theirs.
  beforeEach(() => {
    leaks.length = 0;
  });
  afterAll(() => {
    diagnostics.unsubscribe('hotpath:database:leak', onLeak);
  });

  async function forgetful(db: Database): Promise<LeasedConnection> {
    return db.acquire();
  }

  test('are named, with the place that asked for them, to whoever waits in vain', async () => {
    const db = open({ max: 3 });
    const lease = await forgetful(db);
    let finish!: () => void;
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const transaction = db.transaction(async function stuck() {
      await finished;
    });
    const batches = db.stream('SELECT generate_series(1, 10)', [], { batchRows: 2 })[Symbol.asyncIterator]();
    await batches.next();
    const error = await db.acquire({ timeoutMs: 20 }).catch((reason: unknown) => reason);
    const here = expect.stringMatching(/^at .*leases\.int\.test\.ts:\d+:\d+\)?$/) as string;
    expect(error).toMatchObject({
      code: 'ERR_HOTPATH_DATABASE_ACQUIRE_TIMEOUT',
      message: expect.stringMatching(
        /held longest, \d+ ms, at forgetful \(.*leases\.int\.test\.ts/,
      ) as string,
      holders: [
        { site: expect.stringContaining('forgetful') as string, heldMs: expect.any(Number) as number },
        { site: here },
        { site: here },
      ],
    });
    await batches.return(undefined);
    lease.release();
    finish();
    await transaction;
    expect(leaks).toEqual([]);
  });

  test('and are still held when the time to drain is over are reported, and cut off', async () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const db = open();
    const lease = await forgetful(db);
    const { processId } = lease;
    await db.close({ drainMs: 10 });
    expect(leaks).toMatchObject([{ site: expect.stringContaining('forgetful') as string, processId }]);
    expect(warned.mock.calls[0]![0]).toMatch(
      /held when the database was closed, \d+ ms after .* at forgetful/,
    );
    expect(db.metrics().leaks).toBe(1);
    warned.mockRestore();
  });

  test('do not hold up a process that is told to end', async () => {
    const script = `
      import { createDatabase } from '@hotpath/database';
      const db = createDatabase({ min: 0, applicationName: 'terminated' });
      const lease = await db.acquire();
      await lease.query('BEGIN');
      void lease.query('SELECT pg_sleep(60)').catch(() => {});
      void db.transaction((tx) => tx.query('SELECT pg_sleep(60)')).catch(() => {});
      process.once('SIGTERM', async () => {
        await db.close({ drainMs: 50 });
        console.log('closed');
      });
      setTimeout(() => console.log('ready'), 50);
    `;
    const target = new URL(fresh.url);
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      cwd: new URL('..', import.meta.url),
      env: {
        ...process.env,
        PGHOST: target.hostname,
        PGPORT: target.port,
        PGUSER: decodeURIComponent(target.username),
        PGPASSWORD: decodeURIComponent(target.password),
        PGDATABASE: target.pathname.slice(1),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    child.stderr.resume();
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      if (output === 'ready\n') child.kill('SIGTERM');
    });
    const [code, signal] = await once(child, 'exit');
    expect({ code, signal, output }).toEqual({ code: 0, signal: null, output: 'ready\nclosed\n' });
    await vi.waitFor(async () => {
      const { rows } = await fresh.admin.query(
        `SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = 'terminated'`,
      );
      expect(rows).toEqual([{ n: 0 }]);
    });
  });
});
