import { Buffer } from 'node:buffer';
import type { FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { HEADER_BYTES, hasFrame, isSound } from './frame.ts';

/** A record of a log. */
export interface LogRecord {
  /** Byte at which it starts in the file: what `append` returned. */
  readonly position: number;
  /** Where the next one starts; read on from here. */
  readonly nextPosition: number;
  /** The payload, in memory of its own. */
  readonly bytes: Uint8Array;
}

/** Large enough that a read(2) costs little against its checksums. */
const CHUNK_BYTES = 256 * 1024;
/** How far behind a damaged place a sound record is looked for, and how much checksumming that may cost. */
const RESYNC_BYTES = 1 << 20;
const RESYNC_BUDGET_BYTES = 64 << 20;

/** Walks the records of a file from a position, a stretch at a time; memory is a chunk, or one record that is longer. */
export class LogScanner {
  readonly #handle: FileHandle;
  readonly #endBytes: number;
  readonly #chunk: Buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  #position: number;
  #count = 0;

  constructor(handle: FileHandle, position: number, endBytes: number) {
    this.#handle = handle;
    this.#position = position;
    this.#endBytes = endBytes;
  }

  /** Behind the last sound record so far. */
  get position(): number {
    return this.#position;
  }

  /** Records so far. */
  get count(): number {
    return this.#count;
  }

  /**
   * The records of the next stretch, without their payloads unless `keep`; undefined when no whole, sound record starts
   * at `position`.
   */
  async next(keep: boolean): Promise<LogRecord[] | undefined> {
    const bytes = await this.#read(this.#position, this.#chunk);
    const records: LogRecord[] = [];
    let offset = 0;
    while (offset + HEADER_BYTES <= bytes.length) {
      const payloadBytes = bytes.readUInt32LE(offset + 4);
      const end = offset + HEADER_BYTES + payloadBytes;
      if (end > bytes.length || !isSound(bytes, offset, payloadBytes)) break;
      if (keep) {
        records.push({
          position: this.#position + offset,
          nextPosition: this.#position + end,
          bytes: new Uint8Array(bytes.subarray(offset + HEADER_BYTES, end)),
        });
      }
      this.#count++;
      offset = end;
    }
    if (offset === 0) return this.#nextLong(bytes, keep);
    this.#position += offset;
    return records;
  }

  /** A record longer than a chunk: its checksum first, for a damaged length must not become an allocation. */
  async #nextLong(head: Buffer, keep: boolean): Promise<LogRecord[] | undefined> {
    if (head.length < HEADER_BYTES) return undefined;
    const start = this.#position;
    const end = start + HEADER_BYTES + head.readUInt32LE(4);
    if (end > this.#endBytes || end - start <= head.length) return undefined;
    const expected = head.readUInt32LE(0);
    let sum = crc32(head.subarray(4));
    for (let at = start + head.length; at < end;) {
      const part = await this.#read(at, this.#chunk.subarray(0, Math.min(CHUNK_BYTES, end - at)));
      if (part.length === 0) return undefined;
      sum = crc32(part, sum);
      at += part.length;
    }
    if (sum !== expected) return undefined;
    const records: LogRecord[] = [];
    if (keep) {
      const bytes = await this.#read(
        start + HEADER_BYTES,
        Buffer.allocUnsafeSlow(end - start - HEADER_BYTES),
      );
      records.push({ position: start, nextPosition: end, bytes });
    }
    this.#count++;
    this.#position = end;
    return records;
  }

  /** Whether a sound record follows within the next MiB although none starts at `position`: damage, not a torn tail. */
  async hasRecordBeyond(): Promise<boolean> {
    const length = Math.min(RESYNC_BYTES, this.#endBytes - this.#position - 1);
    if (length <= HEADER_BYTES) return false;
    return hasFrame(
      await this.#read(this.#position + 1, Buffer.allocUnsafeSlow(length)),
      RESYNC_BUDGET_BYTES,
    );
  }

  /** Fills the buffer from a position, as far as the end allows. */
  async #read(position: number, buffer: Buffer): Promise<Buffer> {
    const wanted = Math.min(buffer.length, this.#endBytes - position);
    let filled = 0;
    while (filled < wanted) {
      const { bytesRead } = await this.#handle.read(buffer, filled, wanted - filled, position + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return buffer.subarray(0, filled);
  }
}
