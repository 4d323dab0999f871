import type { Readable } from 'node:stream';
import { type BufferPool, Bytes, BytesMut, CapacityError, PoolTimeoutError } from '@hotpath/memory';
import { type Bodies, BODY_BYTES_MAX, RequestError } from '../parts.ts';
import { parseJson } from '../read-into.ts';

type Body = Bytes<ArrayBufferLike>;

/**
 * A body that comes in one piece, as most do, is that piece, and not a byte of it is copied. One that comes in several is
 * put together in a block of the pool: a hundred of them at once, and the next one waits its turn with nothing more read,
 * so slow clients hold a bounded amount of memory. Who reads the bytes need not know which it was; releasing them gives
 * the block back.
 *
 * Answers are sent as the text that they are. Node puts it behind the header in one write, and for answers of this size
 * that takes the same time as bytes which are there already.
 */
export function optimisedBodies(pool: BufferPool): Bodies {
  return {
    async read(payload) {
      using body = await collect(payload, pool);
      return parseJson(body.toUtf8());
    },
    encode: (json) => json,
  };
}

/** @throws {RequestError} 413 when there is too much, and the rest is then not read; 400 when the client goes away. */
async function collect(payload: Readable, pool: BufferPool): Promise<Body> {
  // A body that is refused does not end the connection: the refusal is yet to be sent.
  const pieces = payload.iterator({ destroyOnReturn: false }) as AsyncIterableIterator<Buffer>;
  try {
    const first = await pieces.next();
    if (first.done === true) return Bytes.from('');
    // What has gathered in the stream meanwhile comes as one piece too.
    if (first.value.length > BODY_BYTES_MAX) throw tooLarge();
    const second = await pieces.next();
    if (second.done === true) return Bytes.adopt(first.value);
    return await join(pool, first.value, second.value, pieces);
  } catch (error) {
    if (error instanceof CapacityError) throw tooLarge();
    if (error instanceof PoolTimeoutError) throw new RequestError(503, 'body: too many at once');
    if (payload.readableAborted) throw new RequestError(400, 'body: the request broke off');
    throw error;
  }
}

const tooLarge = (): RequestError => new RequestError(413, `body: expected at most ${BODY_BYTES_MAX} bytes`);

async function join(
  pool: BufferPool,
  first: Buffer,
  second: Buffer,
  others: AsyncIterable<Buffer>,
): Promise<Body> {
  const lease = pool.tryAcquire() ?? (await pool.acquire());
  const body = BytesMut.fromLease(lease, { maxBytes: BODY_BYTES_MAX });
  try {
    body.putBytes(first);
    body.putBytes(second);
    await body.putStream(others, { maxBytes: BODY_BYTES_MAX });
    return body.freeze();
  } catch (error) {
    body.release();
    throw error;
  }
}
