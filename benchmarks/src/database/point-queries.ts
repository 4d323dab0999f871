import { availableParallelism } from 'node:os';
import type pg from 'pg';
import type { CaseContext, Variant, VariantKind } from '../harness/case.ts';
import { pgbenchMissing } from './peers/pgbench.ts';
import { USERS_COLUMNS, fillUsers, openKeeper } from './users.ts';

/** One way to read a row by its key. */
export interface PointReader {
  /** The email of the user with this id. */
  read(id: number): Promise<string>;
  close(): Promise<void>;
}

export type OpenPointReader = (url: string, table: string) => Promise<PointReader>;

/** Queries in one operation. */
export const QUERY_COUNT = 1_000;
/** In a quick run: a connection for each of a thousand takes five seconds. */
export const QUICK_QUERY_COUNT = 150;
/** Queries whose answers are compared. */
export const VERIFIED_COUNT = 50;

/** What every variant sends. */
export function pointQuery(table: string, parameter = '$1'): string {
  return `SELECT id, name, email FROM ${table} WHERE id = ${parameter}`;
}

/** A table of the users 1 to 1000, and the connection that made it. */
async function makeUsers(
  context: CaseContext,
): Promise<{ keeper: pg.Client; table: string; dropTable: () => Promise<unknown> }> {
  const keeper = await openKeeper(context);
  const table = `users_${context.uniqueName}`;
  await keeper.query(`CREATE TABLE ${table} ${USERS_COLUMNS}`);
  await fillUsers(keeper, table, context.seed, QUERY_COUNT);
  return { keeper, table, dropTable: () => keeper.query(`DROP TABLE ${table}`) };
}

/** One operation reads the users 1 to 1000 (a quick one: `quickCount`), `inFlight` of them at a time, in the same order in every variant. */
export function pointQueries(
  kind: VariantKind,
  inFlight: number,
  quickCount: number,
  load: () => Promise<OpenPointReader>,
): Variant {
  return {
    kind,
    async setup(context: CaseContext) {
      const open = await load();
      const queries = context.quick ? quickCount : QUERY_COUNT;
      const { keeper, table, dropTable } = await makeUsers(context);
      const reader = await open(context.postgresUrl, table);
      const emails: string[] = new Array<string>(queries);
      const readFirst = async (count: number): Promise<number> => {
        let next = 0;
        const lane = async (): Promise<void> => {
          while (next < count) {
            const index = next++;
            emails[index] = await reader.read(index + 1);
          }
        };
        if (inFlight === 1) await lane();
        else await Promise.all(Array.from({ length: inFlight }, lane));
        return count;
      };
      return {
        run: () => readFirst(queries),
        async answer() {
          await readFirst(VERIFIED_COUNT);
          return emails.slice(0, VERIFIED_COUNT);
        },
        async close() {
          await reader.close();
          await dropTable();
          await keeper.end();
        },
      };
    },
  };
}

/** On as many connections as our lanes are; the more cores, the more. */
const PGBENCH_CLIENTS = availableParallelism() >= 4 ? 4 : 2;

/** The same queries by pgbench, which does nothing with their answers. */
export function pgbenchQueries(inFlight: number, quickCount: number): Variant {
  return {
    kind: 'floor',
    skip: pgbenchMissing,
    async setup(context: CaseContext) {
      const { openPgbench } = await import('./peers/pgbench.ts');
      const { keeper, table, dropTable } = await makeUsers(context);
      const clients = inFlight === 1 ? 1 : PGBENCH_CLIENTS;
      const queries = context.quick ? quickCount : QUERY_COUNT;
      const pgbench = await openPgbench(keeper, {
        url: context.postgresUrl,
        text: pointQuery(table, ':id'),
        queries,
        clients,
        depth: inFlight / clients,
        scratch: context.scratch,
      });
      return {
        async run() {
          await pgbench.run();
          return queries;
        },
        async answer() {
          await pgbench.run();
          // It keeps none of what it reads: these are what there was to read.
          const { rows } = await keeper.query<{ email: string }>(
            `SELECT email FROM ${table} ORDER BY id LIMIT ${VERIFIED_COUNT}`,
          );
          return rows.map(({ email }) => email);
        },
        async close() {
          await pgbench.close();
          await dropTable();
          await keeper.end();
        },
      };
    },
  };
}
