import { type Bodies, BODY_BYTES_MAX } from '../parts.ts';
import { parseJson, readInto } from '../read-into.ts';

/** A fresh, zeroed 64 KiB block for every body that is read or sent. */
export function naiveBodies(): Bodies {
  return {
    async read(payload) {
      const block = Buffer.alloc(BODY_BYTES_MAX);
      return parseJson(block.toString('utf8', 0, await readInto(block, payload)));
    },
    encode(json) {
      const block = Buffer.alloc(Math.max(BODY_BYTES_MAX, Buffer.byteLength(json)));
      return block.subarray(0, block.write(json));
    },
  };
}
