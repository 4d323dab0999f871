import { Buffer } from 'node:buffer';
import { open, type FileHandle } from 'node:fs/promises';
import { abortSignal, describe } from '../arguments.ts';
import {
  ArgumentRangeError,
  ArgumentTypeError,
  LogCorruptError,
  NotALogError,
  OpenFailedError,
} from '../errors.ts';
import { MAGIC } from './frame.ts';
import { LogScanner, type LogRecord } from './scanner.ts';

/** Options of {@link readLog} and `Log.read`. */
export interface LogReadOptions {
  /** Position of the first record; default the first of the file. */
  readonly from?: number;
  /** Checked before each read. */
  readonly signal?: AbortSignal;
}

/**
 * The records of a log that this process need not have open, up to the end of the last whole one: a torn tail is where
 * reading stops, not an error. Takes no lock.
 *
 * @throws {NotALogError} @throws {OpenFailedError} no such log
 * @throws {LogCorruptError} a record is damaged and sound ones follow it; behind those before it
 * @throws {ArgumentRangeError} no record starts at `from`
 */
export async function* readLog(
  path: string,
  options?: LogReadOptions,
): AsyncGenerator<LogRecord, void, undefined> {
  if (typeof path !== 'string') throw new ArgumentTypeError(`path: expected a string, got ${describe(path)}`);
  yield* readRecords(path, options, Infinity);
}

/** As {@link readLog}, up to a position. */
export async function* readRecords(
  path: string,
  options: LogReadOptions | undefined,
  endPosition: number,
): AsyncGenerator<LogRecord, void, undefined> {
  const from = options?.from ?? MAGIC.length;
  if (typeof from !== 'number') throw new ArgumentTypeError(`from: expected a number, got ${describe(from)}`);
  const signal = abortSignal(options?.signal);
  await using handle = await openForReading(path);
  const { size } = await handle.stat();
  const head = Buffer.alloc(MAGIC.length);
  const { bytesRead } = await handle.read(head, 0, head.length, 0);
  if (bytesRead > 0 && !head.subarray(0, bytesRead).equals(MAGIC.subarray(0, bytesRead))) {
    throw new NotALogError(path);
  }
  const end = Math.min(size, endPosition);
  if (!Number.isInteger(from) || from < MAGIC.length || from > Math.max(end, MAGIC.length)) {
    throw new ArgumentRangeError(`from: expected a position from ${MAGIC.length} to ${end}, got ${from}`);
  }
  const scanner = new LogScanner(handle, from, end);
  for (;;) {
    signal?.throwIfAborted();
    const records = await scanner.next(true);
    if (records === undefined) break;
    yield* records;
  }
  if (scanner.count === 0 && from > MAGIC.length && scanner.position < end) {
    throw new ArgumentRangeError(`from: no record starts at ${from}`);
  }
  if (scanner.position < end && (await scanner.hasRecordBeyond())) {
    throw new LogCorruptError(path, scanner.position);
  }
}

async function openForReading(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (error) {
    throw new OpenFailedError(path, error);
  }
}
