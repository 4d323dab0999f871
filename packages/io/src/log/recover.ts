import { open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { LogCorruptError, NotALogError } from '../errors.ts';
import { MAGIC } from './frame.ts';
import type { ResolvedLogOptions } from './options.ts';
import { LogScanner } from './scanner.ts';

/** What opening a log found in its file. */
export interface LogRecovery {
  /** Whether the file was new. */
  readonly isNew: boolean;
  /** Sound records. */
  readonly recordCount: number;
  /** Where the next record goes. */
  readonly endPosition: number;
  /** Bytes cut off behind it: a record that was being written when the process or the machine died. */
  readonly truncatedBytes: number;
}

/**
 * Makes a file that ends with a whole record, and is on the disk with its entry in the folder: what was read is as
 * durable as what is acknowledged later.
 *
 * @throws {NotALogError} @throws {LogCorruptError} nothing was changed
 */
export async function recover(path: string, options: ResolvedLogOptions): Promise<LogRecovery> {
  await using handle = await openOrCreate(path, options.fileMode);
  const { size } = await handle.stat();
  const head = Buffer.alloc(Math.min(size, MAGIC.length));
  await handle.read(head, 0, head.length, 0);
  if (!head.equals(MAGIC.subarray(0, head.length))) throw new NotALogError(path);
  let recovery: LogRecovery;
  if (head.length < MAGIC.length) {
    // New, or the process died while it was. From the start, where the handle still is.
    await handle.writeFile(MAGIC);
    recovery = { isNew: true, recordCount: 0, endPosition: MAGIC.length, truncatedBytes: 0 };
  } else {
    const scanner = new LogScanner(handle, MAGIC.length, size);
    while ((await scanner.next(false)) !== undefined);
    const { position, count } = scanner;
    if (position < size && !options.truncateDamage && (await scanner.hasRecordBeyond())) {
      throw new LogCorruptError(path, position);
    }
    if (position < size) await handle.truncate(position);
    recovery = { isNew: false, recordCount: count, endPosition: position, truncatedBytes: size - position };
  }
  await handle.sync();
  await syncFolder(dirname(path));
  return recovery;
}

async function openOrCreate(path: string, mode: number): Promise<FileHandle> {
  try {
    return await open(path, 'r+');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return open(path, 'w+', mode);
  }
}

/** Without this a power cut may take the file itself, however often it was fsynced. Windows has no such call. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  await using folder = await open(path, 'r');
  await folder.sync();
}
