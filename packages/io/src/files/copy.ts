import { Buffer } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import type { Stats } from 'node:fs';
import { copyFile, open, realpath, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { abortSignal, boolean, describe, object, optionalFunction } from '../arguments.ts';
import { ArgumentRangeError, ArgumentTypeError, VerifyFailedError } from '../errors.ts';

const PERMISSIONS = 0o7777;

/** Options of {@link copy}. Any of them makes it our own copy in place of the system's. */
export interface CopyOptions {
  /** Told after each MiB, or what is left: bytes so far, and of the source as it was when opened. */
  readonly onProgress?: (copiedBytes: number, totalBytes: number) => void;
  /** Read the copy back and compare checksums; it comes from the page cache as a rule. Default false. */
  readonly verify?: boolean;
  /** Ends the copy with its reason; nothing is left behind. */
  readonly signal?: AbortSignal;
}

/** Measured: three to four times as fast as 64 KiB, and more gains nothing. */
const BLOCK_BYTES = 1 << 20;
/** Blocks under way at once: one is read while the other is written, and a thread is never waiting for this one to tell it. */
const LANES = 2;

/**
 * Copies a file. Without options it is core's `copyFile`, which may clone blocks. With any, two
 * buffers: one is read into while the other is written. Then the copy comes into being under another name in the same
 * folder and is renamed when it is whole, so that nobody ever sees half of it. Permissions are those of the source. A
 * symbolic link at `to` stays, and the file behind it is replaced.
 *
 * @throws {ArgumentTypeError} an argument that cannot be
 * @throws {ArgumentRangeError} with options: something else than a file is at `to`, such as a device
 * @throws {VerifyFailedError} the copy, read back, differs
 * @throws the system's error, or the signal's reason; a file at `to` is then as it was before
 *
 * @example
 * ```ts
 * import { copy } from '@hotpath/io';
 *
 * await copy('data.bin', 'data.copy', {
 *   verify: true,
 *   onProgress: (done, total) => console.log(`${done} of ${total}`),
 * });
 * ```
 */
export async function copy(from: string, to: string, options?: CopyOptions): Promise<void> {
  if (typeof from !== 'string') throw new ArgumentTypeError(`from: expected a string, got ${describe(from)}`);
  if (typeof to !== 'string') throw new ArgumentTypeError(`to: expected a string, got ${describe(to)}`);
  if (options !== undefined) object('options', options);
  const verify = boolean('verify', options?.verify, false);
  const onProgress = optionalFunction('onProgress', options?.onProgress);
  const signal = abortSignal(options?.signal);
  signal?.throwIfAborted();
  if (!verify && onProgress === undefined && signal === undefined) {
    await copyFile(from, to);
    return;
  }
  const place = await placeOf(to);
  const draft = `${place}.${randomUUID()}.tmp`;
  const source = await open(from, 'r');
  try {
    const { size, mode } = await source.stat();
    const target = await open(draft, 'wx+', mode & PERMISSIONS);
    try {
      await setPermissions(target, mode & PERMISSIONS);
      const sums: number[] | undefined = verify ? [] : undefined;
      let isOver = false;
      const copiedBytes = await fill(target, source, sums, (copiedBytes) => {
        // A block that was under way beside the one that ended it.
        if (isOver) return;
        isOver = true;
        onProgress?.(copiedBytes, size);
        signal?.throwIfAborted();
        isOver = false;
      });
      if (sums !== undefined && !(await isCopied(target, sums, copiedBytes, signal))) {
        throw new VerifyFailedError(to);
      }
    } finally {
      await target.close();
    }
    await rename(draft, place);
  } catch (error) {
    // The first error is the one to tell.
    await rm(draft, { force: true }).catch(() => {});
    throw error;
  } finally {
    await source.close();
  }
}

/** What a rename may replace: not a link, and not a device, which would be gone for everybody. */
async function placeOf(to: string): Promise<string> {
  let found: Stats;
  try {
    found = await stat(to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return to;
    throw error;
  }
  // Of a folder the system says so itself.
  if (found.isFile() || found.isDirectory()) return realpath(to);
  throw new ArgumentRangeError(
    `to: expected a file or nothing at ${JSON.stringify(to)}, got a device or pipe`,
  );
}

/** Whatever the umask, as copyFile does. */
async function setPermissions(target: FileHandle, permissions: number): Promise<void> {
  try {
    await target.chmod(permissions);
  } catch (error) {
    // From a file system that keeps none.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error;
  }
}

/** Copies the contents, with the checksum of each block where there is an array for them. Returns how many bytes there are. */
async function fill(
  target: FileHandle,
  source: FileHandle,
  sums: number[] | undefined,
  onBlock: (copiedBytes: number) => void,
): Promise<number> {
  let copiedBytes = 0;
  const endBytes = await eachBlock(source, async (block, index) => {
    await writeAll(target, block, index * BLOCK_BYTES);
    if (sums !== undefined) sums[index] = crc32(block);
    copiedBytes += block.length;
    onBlock(copiedBytes);
  });
  // The source grew after its end was seen, and what lies beyond was copied without what came to lie before.
  if (copiedBytes > endBytes) await target.truncate(endBytes);
  return endBytes;
}

/** Whether the file has these checksums, block by block, and this size. */
async function isCopied(
  target: FileHandle,
  sums: readonly number[],
  sizeBytes: number,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  let isSame = true;
  const endBytes = await eachBlock(target, async (block, index) => {
    signal?.throwIfAborted();
    if (crc32(block) !== sums[index]) isSame = false;
  });
  return isSame && endBytes === sizeBytes;
}

/**
 * Reads a file to its end, block by block, and hands each to `onBlock` with its index, more or less in order: a few are
 * under way at once. The memory of a block is lent until `onBlock` resolves. Never leaves a call under way behind.
 *
 * @returns where the end was
 */
async function eachBlock(
  file: FileHandle,
  onBlock: (block: Buffer, index: number) => Promise<void>,
): Promise<number> {
  let nextIndex = 0;
  let endBytes = Infinity;
  let failure: { readonly error: unknown } | undefined;
  const lane = async (): Promise<void> => {
    try {
      const buffer = Buffer.allocUnsafeSlow(BLOCK_BYTES);
      while (nextIndex * BLOCK_BYTES < endBytes) {
        const index = nextIndex++;
        const block = await readBlock(file, buffer, index * BLOCK_BYTES);
        if (block.length < BLOCK_BYTES) endBytes = Math.min(endBytes, index * BLOCK_BYTES + block.length);
        if (block.length > 0) await onBlock(block, index);
      }
    } catch (error) {
      failure ??= { error };
      endBytes = 0;
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  if (failure !== undefined) throw failure.error;
  return endBytes;
}

/** As much of the buffer as there is from the position on. */
async function readBlock(file: FileHandle, buffer: Buffer, position: number): Promise<Buffer> {
  let filledBytes = 0;
  while (filledBytes < buffer.length) {
    const rest = buffer.length - filledBytes;
    const { bytesRead } = await file.read(buffer, filledBytes, rest, position + filledBytes);
    if (bytesRead === 0) break;
    filledBytes += bytesRead;
  }
  return buffer.subarray(0, filledBytes);
}

async function writeAll(target: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let offset = 0; offset < bytes.length;) {
    const { bytesWritten } = await target.write(bytes, offset, bytes.length - offset, position + offset);
    offset += bytesWritten;
  }
}
