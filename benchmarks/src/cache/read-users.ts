import type { CaseContext, Operation, Variant, VariantKind } from '../harness/case.ts';
import { keysOf, type OpenUserReader, USER_COUNT, type UserReader, usersOf } from './users.ts';

/** Reads of one operation when several are in flight. */
export const READS_AT_ONCE = 1000;

/** One read an operation, or {@link READS_AT_ONCE} of them with never more than `inFlight` under way. */
export function readUsers(
  kind: VariantKind,
  inFlight: number,
  load: () => OpenUserReader | Promise<OpenUserReader>,
): Variant {
  return {
    kind,
    async setup(context: CaseContext): Promise<Operation> {
      const users = usersOf(context.seed);
      const keys = keysOf(context.seed);
      const open = await load();
      const reader = await open(
        context,
        users.map((user) => [`user:${user.id}`, user] as const),
      );
      return {
        run: inFlight === 1 ? oneByOne(reader, keys) : together(reader, keys, inFlight),
        async answer() {
          const answer: unknown[] = [];
          for (const key of keys) answer.push(await reader.get(key));
          return answer;
        },
        ...(reader.close === undefined ? {} : { close: () => reader.close?.() }),
      };
    },
  };
}

function oneByOne(reader: UserReader, keys: readonly string[]): () => unknown {
  let next = 0;
  return () => reader.get(keys[next++ & (USER_COUNT - 1)]!);
}

/** A closed loop of `inFlight` clients, each asking again when it was answered. */
function together(reader: UserReader, keys: readonly string[], inFlight: number): () => Promise<unknown> {
  let next = 0;
  const reads = READS_AT_ONCE / inFlight;
  const client = async (): Promise<unknown> => {
    let last: unknown;
    for (let i = 0; i < reads; i++) last = await reader.get(keys[next++ & (USER_COUNT - 1)]!);
    return last;
  };
  return () => Promise.all(Array.from({ length: inFlight }, client));
}
