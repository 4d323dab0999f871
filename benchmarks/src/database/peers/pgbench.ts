/**
 * pgbench, in C and without a thought for the rows that it gets, as the bound of point queries. It takes no orders once it runs, so a lock
 * holds it: its clients wait for the shared lock, and a run of ours gives that up and asks for it back, which the server grants when all of
 * them have asked their queries.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';
import { findPostgresTool } from '../../services/postgres-binaries.ts';

export function pgbenchMissing(): string | undefined {
  return findPostgresTool('pgbench') === undefined
    ? 'there is no pgbench (Debian: postgresql-contrib; elsewhere it comes with the server)'
    : undefined;
}

export interface PgbenchOptions {
  readonly url: string;
  /** A statement with `:id` for the key. */
  readonly text: string;
  /** Of one run: keys from 1 on. A multiple of clients × depth. */
  readonly queries: number;
  readonly clients: number;
  /** Queries that a client sends before it waits for their answers. */
  readonly depth: number;
  /** A folder for its script. */
  readonly scratch: string;
}

export interface Pgbench {
  /** All the queries, once. */
  run(): Promise<void>;
  close(): Promise<void>;
}

/** A client's part: the clients read the same keys. */
function scriptOf({ text, queries, clients, depth }: PgbenchOptions, lock: number): string {
  const lines = [`SELECT pg_advisory_lock_shared(${lock});`];
  for (let id = 1; id <= queries / clients; id++) {
    if (depth > 1 && id % depth === 1) lines.push('\\startpipeline');
    lines.push(`\\set id ${id}`, `${text};`);
    if (depth > 1 && id % depth === 0) lines.push('\\endpipeline');
  }
  lines.push(`SELECT pg_advisory_unlock_shared(${lock});`, '');
  return lines.join('\n');
}

function start(options: PgbenchOptions, file: string): ChildProcess {
  const { url, clients } = options;
  const counts = ['-c', String(clients), '-j', String(clients), '-t', '1000000000'];
  return spawn(findPostgresTool('pgbench')!, ['-n', '-M', 'prepared', '-f', file, ...counts, url], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
}

/** @param keeper a connection for this alone. */
export async function openPgbench(keeper: pg.Client, options: PgbenchOptions): Promise<Pgbench> {
  const { rows } = await keeper.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  // A number that nobody else has as long as the connection lives.
  const lock = rows[0]!.pid;
  await keeper.query(`SELECT pg_advisory_lock(${lock})`);
  const file = join(options.scratch, 'pgbench.sql');
  writeFileSync(file, scriptOf(options, lock));
  const pgbench = start(options, file);
  const ended = once(pgbench, 'close');
  let said = '';
  pgbench.stderr!.on('data', (text: Buffer) => {
    said += text.toString();
  });
  const waiting = async (): Promise<number> => {
    const { rows } = await keeper.query<{ count: number }>({
      name: 'waiting',
      text: "SELECT count(*)::int AS count FROM pg_locks WHERE locktype = 'advisory' AND objid = $1 AND NOT granted",
      values: [lock],
    });
    return rows[0]!.count;
  };
  return {
    async run() {
      while ((await waiting()) < options.clients) {
        if (pgbench.exitCode !== null) throw new Error(`pgbench ended with ${pgbench.exitCode}: ${said}`);
      }
      await keeper.query(`SELECT pg_advisory_unlock(${lock}); SELECT pg_advisory_lock(${lock})`);
    },
    async close() {
      pgbench.kill();
      await ended;
      await keeper.query(`SELECT pg_advisory_unlock(${lock})`);
    },
  };
}
