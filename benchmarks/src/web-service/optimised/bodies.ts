import type { BufferPool } from '@hotpath/memory';
import type { Bodies } from '../parts.ts';
import { parseJson, readInto } from '../read-into.ts';

/**
 * Bodies are read into blocks of a pool: a hundred requests at once, and the next one waits its turn without having been
 * read, so memory has a bound. Answers are sent as the text that they are: Node puts it behind the header in one write.
 */
export function optimisedBodies(pool: BufferPool): Bodies {
  return {
    async read(payload) {
      using lease = pool.tryAcquire() ?? (await pool.acquire());
      return parseJson(lease.bytes.toString('utf8', 0, await readInto(lease.bytes, payload)));
    },
    encode: (json) => json,
  };
}
