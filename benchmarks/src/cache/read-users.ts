import type { Case, CaseContext, Operation, Variant, VariantKind } from '../harness/case.ts';
import { keysOf, type OpenUserReader, USER_COUNT, type UserReader, usersOf } from './users.ts';

/** Reads of one operation when several are in flight. */
export const READS_AT_ONCE = 1000;

/** Reads of one process, one after the other, after which V8 has compiled all that a read through a client passes. */
export const READS_TO_COMPILE = 8000;

/**
 * Where client and server are, and how long both are warmed up: with one read at a time each waits for the other, so one core is
 * enough; with several they work at once.
 */
export function throughServer(inFlight: number): Pick<Case, 'placement' | 'warmupOperations'> {
  return inFlight === 1
    ? { placement: 'one core', warmupOperations: READS_TO_COMPILE }
    : { placement: 'apart' };
}

/** Said of {@link throughServer}. */
export function onThisMachine(inFlight: number): string {
  return `on this machine; client and server ${inFlight === 1 ? 'on one core' : 'on a core each'}`;
}

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
