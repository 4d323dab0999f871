import type { CaseContext, Variant, VariantKind } from '../harness/case.ts';
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
export const QUICK_QUERY_COUNT = 250;
/** Queries whose answers are compared. */
export const VERIFIED_COUNT = 50;

/** What every variant sends. */
export function pointQuery(table: string): string {
  return `SELECT id, name, email FROM ${table} WHERE id = $1`;
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
      const keeper = await openKeeper(context);
      const table = `users_${context.uniqueName}`;
      await keeper.query(`CREATE TABLE ${table} ${USERS_COLUMNS}`);
      await fillUsers(keeper, table, context.seed, QUERY_COUNT);
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
          await keeper.query(`DROP TABLE ${table}`);
          await keeper.end();
        },
      };
    },
  };
}
