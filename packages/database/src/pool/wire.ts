import type { Socket } from 'node:net';

/** Takes the rows of the statement whose answer is being read. */
export interface RowTaker {
  /** The values of one DataRow: `bytes` from `at`, behind the number of columns, to `end`. Only valid during the call. */
  handleRow(bytes: Buffer, columns: number, at: number, end: number): void;
}

const HEADER_BYTES = 5;
const DATA_ROW = 0x44;
/** Postgres cannot make a longer message; a length beyond it is no message. */
const MAX_MESSAGE_BYTES = 0x4000_0000;
const EMPTY = Buffer.alloc(0);

/**
 * Reads the server's messages before `pg` does: rows go straight from the socket's bytes to their statement, everything else goes
 * on to `pg`, whole messages only and in order.
 *
 * ```
 *   chunk:  … | D length columns values | D … | C … Z … | D (half)
 *               └─► taker.handleRow            └─► pg     └─► kept until the rest comes
 * ```
 *
 * `pg` makes of each row a message with a string a column, and passes it through two event emitters: for a result of many rows
 * that is more than half of the time. Where the stream does not look as it is expected to (another version of `pg`), nothing is
 * changed, and rows come to the statement by way of `pg`.
 *
 * @param current who gets the rows.
 * @param corrupt called once with the reason when what comes is no message; the connection is of no more use.
 */
export function readDirectly(
  stream: Socket,
  current: () => RowTaker | undefined,
  corrupt: (cause: Error) => void,
): void {
  const listeners = stream.listeners('data');
  if (listeners.length !== 1) return;
  const pass = listeners[0] as (chunk: Buffer) => void;
  stream.off('data', pass);
  let kept: Buffer = EMPTY;
  let keptBytes = 0;
  let broken = false;

  const read = (bytes: Buffer, count: number): number => {
    let at = 0;
    let passFrom = 0;
    while (at + HEADER_BYTES <= count) {
      const length = (bytes[at + 1]! << 24) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 8) | bytes[at + 4]!;
      if (length < 4 || length > MAX_MESSAGE_BYTES) {
        throw new Error(`a message of length ${length} came from the server`);
      }
      const end = at + 1 + length;
      if (end > count) break;
      if (bytes[at] === DATA_ROW) {
        if (at > passFrom) pass(bytes.subarray(passFrom, at));
        passFrom = end;
        if (length < 6) throw new Error('a row without a number of columns came from the server');
        current()?.handleRow(bytes, (bytes[at + 5]! << 8) | bytes[at + 6]!, at + 7, end);
      }
      at = end;
    }
    if (at > passFrom) pass(bytes.subarray(passFrom, at));
    return at;
  };

  stream.on('data', (chunk: Buffer) => {
    if (broken) return;
    try {
      if (keptBytes === 0) {
        const done = read(chunk, chunk.length);
        if (done < chunk.length) keep(chunk.subarray(done));
        return;
      }
      keep(chunk);
      const done = read(kept, keptBytes);
      kept.copyWithin(0, done, keptBytes);
      keptBytes -= done;
      // A single huge row does not keep its memory for ever.
      if (keptBytes === 0 && kept.length > 1_048_576) kept = EMPTY;
    } catch (error) {
      broken = true;
      corrupt(error as Error);
    }
  });

  /** Grows by doubling, so that a row of many chunks is copied O(1) times a byte. */
  function keep(more: Buffer): void {
    const needed = keptBytes + more.length;
    if (needed > kept.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(65_536, needed * 2));
      kept.copy(larger, 0, 0, keptBytes);
      kept = larger;
    }
    more.copy(kept, keptBytes);
    keptBytes = needed;
  }
}
