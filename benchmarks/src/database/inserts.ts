import type { CaseContext, Variant, VariantKind } from '../harness/case.ts';
import { type NewUser, USERS_COLUMNS, newUsers, openKeeper } from './users.ts';

/** One way to get rows into a users table, durably when its promise resolves. */
export interface UserWriter {
  write(users: readonly NewUser[]): Promise<void>;
  close(): Promise<void>;
}

export type OpenUserWriter = (url: string, table: string) => Promise<UserWriter>;

/** Of one operation, in a plain run and in a quick one. */
export interface RowCounts {
  readonly rows: number;
  readonly quickRows: number;
}

/** A table that runs add to is emptied when it would pass this: rarely, and at the same number of rows in every variant. */
const TABLE_LIMIT_ROWS = 200_000;

/** One operation inserts users into users(name, email). */
export function insertUsers(
  kind: VariantKind,
  { rows, quickRows }: RowCounts,
  load: (context: CaseContext) => Promise<OpenUserWriter>,
  skip?: () => string | undefined,
): Variant {
  return {
    kind,
    ...(skip === undefined ? {} : { skip }),
    async setup(context: CaseContext) {
      const count = context.quick ? quickRows : rows;
      const open = await load(context);
      const keeper = await openKeeper(context);
      const table = `users_${context.uniqueName}`;
      await keeper.query(`CREATE TABLE ${table} ${USERS_COLUMNS}`);
      const users = newUsers(context.seed, count);
      const writer = await open(context.postgresUrl, table);
      const runsBetween = Math.max(1, Math.floor(TABLE_LIMIT_ROWS / count));
      let runs = 0;
      const run = async (): Promise<number> => {
        if (runs++ % runsBetween === 0) await keeper.query(`TRUNCATE ${table}`);
        await writer.write(users);
        return count;
      };
      return {
        run,
        async answer() {
          runs = 0;
          await run();
          const { rows } = await keeper.query<Record<string, unknown>>(
            `SELECT count(*)::int AS rows, md5(string_agg(name || '|' || email, ',' ORDER BY id)) AS md5 FROM ${table}`,
          );
          return rows[0];
        },
        async close() {
          await writer.close();
          await keeper.query(`DROP TABLE ${table}`);
          await keeper.end();
        },
      };
    },
  };
}
