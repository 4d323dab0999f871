import { Buffer } from 'node:buffer';
import { crc32 } from 'node:zlib';

/**
 * How records lie in the file.
 *
 * ```
 *  ┌──────────────┬───────────────┬───────────────┬─────────┬──
 *  │ magic, 8     │ crc32, 4, LE  │ length, 4, LE │ payload │ crc32 …
 *  └──────────────┴───────────────┴───────────────┴─────────┴──
 *                  └─ of all to the right of it ──┘
 * ```
 * The checksum covers the length, so that a run of zeros, which a crash can leave behind, is no record.
 */
export const MAGIC: Buffer = Buffer.from('HOTLOG1\n', 'latin1');
export const HEADER_BYTES = 8;

/** Frames up to this long are built in one reused buffer; longer ones in memory of their own, which is handed over. */
const SCRATCH_BYTES = 64 * 1024;

/** Builds frames. The memory that it returns is valid until the next call, unless `isOwned` says that it is the caller's. */
export class FrameEncoder {
  readonly #scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);
  isOwned = false;

  encode(payload: string | Uint8Array, payloadBytes: number): Buffer {
    const frameBytes = HEADER_BYTES + payloadBytes;
    this.isOwned = frameBytes > SCRATCH_BYTES;
    const frame = this.isOwned ? Buffer.allocUnsafeSlow(frameBytes) : this.#scratch.subarray(0, frameBytes);
    frame.writeUInt32LE(payloadBytes, 4);
    if (typeof payload === 'string') frame.write(payload, HEADER_BYTES);
    else frame.set(payload, HEADER_BYTES);
    frame.writeUInt32LE(crc32(frame.subarray(4)), 0);
    return frame;
  }
}

/** Whether a whole frame at `offset` is sound. The caller makes sure that it lies within the bytes. */
export function isSound(bytes: Buffer, offset: number, payloadBytes: number): boolean {
  return (
    crc32(bytes.subarray(offset + 4, offset + HEADER_BYTES + payloadBytes)) === bytes.readUInt32LE(offset)
  );
}

/** Whether a whole, sound frame starts anywhere within the bytes; gives up after checksums of `budgetBytes`. */
export function hasFrame(bytes: Buffer, budgetBytes: number): boolean {
  let rest = budgetBytes;
  for (let offset = 0; offset + HEADER_BYTES <= bytes.length && rest > 0; offset++) {
    const payloadBytes = bytes.readUInt32LE(offset + 4);
    if (payloadBytes > bytes.length - offset - HEADER_BYTES) continue;
    rest -= HEADER_BYTES + payloadBytes;
    if (isSound(bytes, offset, payloadBytes)) return true;
  }
  return false;
}
