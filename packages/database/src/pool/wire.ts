import type { Socket } from 'node:net';

/** Takes one message: its kind, and its body in `bytes` from `at` to `end`. Only valid during the call. */
export type TakeMessage = (kind: number, bytes: Buffer, at: number, end: number) => void;

const HEADER_BYTES = 5;
/** Postgres cannot make a longer message; a length beyond it is no message. */
const MAX_MESSAGE_BYTES = 0x4000_0000;
const EMPTY = Buffer.alloc(0);

/**
 * Reads the server's messages in place of `pg`, which is done with the connection once the server is ready: each whole message
 * goes from the socket's bytes to `take`, in order, without a copy where a chunk holds it whole.
 *
 * ```
 *   chunk:  … | D length body | C … | Z … | D (half)
 *               └─► take        └─►   └─►   └─► kept until the rest comes
 * ```
 *
 * `pg` makes an object of each message, and a string of each column, and passes it through two event emitters: for a point query
 * that is a third of the client's time, for a result of many rows more than half.
 *
 * @param corrupt called once with the reason when what comes is no message, or `take` throws; the connection is of no more use.
 */
export function readMessages(stream: Socket, take: TakeMessage, corrupt: (cause: Error) => void): void {
  let kept: Buffer = EMPTY;
  let keptBytes = 0;
  let broken = false;

  const read = (bytes: Buffer, count: number): number => {
    let at = 0;
    while (at + HEADER_BYTES <= count) {
      const length = (bytes[at + 1]! << 24) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 8) | bytes[at + 4]!;
      if (length < 4 || length > MAX_MESSAGE_BYTES) {
        throw new Error(`a message of length ${length} came from the server`);
      }
      const end = at + 1 + length;
      if (end > count) break;
      take(bytes[at]!, bytes, at + HEADER_BYTES, end);
      at = end;
    }
    return at;
  };

  stream.removeAllListeners('data');
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
