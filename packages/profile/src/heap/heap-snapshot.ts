/** Snapshots of this thread's heap, summed by constructor, and their difference. */

import { closeSync, createReadStream, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { ArgumentTypeError, SnapshotFileError } from '../errors.ts';
import { kindOf, objectOption, signalOption } from '../option-checks.ts';
import { openSession } from '../session.ts';
import type { InspectorSession } from '../session.ts';
import { SnapshotReader } from './snapshot-reader.ts';
import type { HeapKind } from './snapshot-reader.ts';

export interface HeapSnapshotOptions {
  /**
   * Where the whole snapshot is written too, for DevTools: a path ending in `.heapsnapshot`. It appears whole or not at
   * all, and replaces what is there. It holds the text of every string on the heap, secrets included. Default: nowhere.
   */
  readonly file?: string;
}

/** What was on a heap. Plain data of some kilobytes: the snapshot itself is not held. */
export interface HeapSnapshot {
  readonly count: number;
  /** Of all objects, buffers' contents included; no byte counts twice. */
  readonly selfBytes: number;
  /** By constructor, the most bytes first. */
  readonly kinds: readonly HeapKind[];
}

/**
 * Takes a snapshot of this thread's heap, after a collection, and sums it by constructor. The thread stands still until
 * that is done: for seconds on a heap of a hundred megabytes. Meanwhile V8 holds a graph of the heap, which Node 20 was
 * measured to give 1 KB for each object, far more than the object itself; of the text that V8 makes of it only a piece at a
 * time is held. So take it where memory is left.
 *
 * @throws {ArgumentTypeError} an option has the wrong type.
 * @throws {ProfilerBusyError} this thread is being profiled.
 * @throws {InspectorUnavailableError} this Node was built without the inspector, or may not use it.
 * @throws {SnapshotFileError} the file could not be written: a full disk, a missing folder; the cause says which. Nothing
 *   is left of it.
 *
 * @example
 * ```ts
 * const before = await heapSnapshot();
 * await serve(1000);
 * for (const { name, countChange } of heapDiff(before, await heapSnapshot()).top(5)) console.log(name, countChange);
 * ```
 */
export async function heapSnapshot(options: HeapSnapshotOptions = {}): Promise<HeapSnapshot> {
  objectOption('options', options);
  const { file } = options;
  if (file !== undefined && typeof file !== 'string') {
    throw new ArgumentTypeError(`file: expected a path, got ${kindOf(file)}`);
  }
  using session = openSession('heapSnapshot()');
  return await (file === undefined ? take(session) : written(file, (write) => take(session, write)));
}

/** V8 hands the text over in pieces of some hundred kilobytes, while the command runs. */
async function take(session: InspectorSession, write?: (text: Uint8Array) => void): Promise<HeapSnapshot> {
  const reader = new SnapshotReader();
  let failure: unknown;
  session.on('HeapProfiler.addHeapSnapshotChunk', ({ chunk }) => {
    if (failure !== undefined) return;
    try {
      const text = Buffer.from(chunk as string);
      reader.push(text);
      write?.(text);
    } catch (error) {
      failure = error;
    }
  });
  await session.request('HeapProfiler.takeHeapSnapshot', { reportProgress: false });
  if (failure !== undefined) throw failure as Error;
  return totalled(reader.finish());
}

/**
 * Sums a snapshot that was written before: by {@link heapSnapshot}, `v8.writeHeapSnapshot`, DevTools or
 * `--heapsnapshot-signal`. Reads it piece by piece.
 *
 * @throws {ArgumentTypeError} an argument has the wrong type.
 * @throws {SnapshotFileError} the file could not be read.
 * @throws {SnapshotFormatError} it is not a heap snapshot, or not a whole one.
 * @throws the signal's reason when it aborts.
 */
export async function readHeapSnapshot(
  file: string,
  options: { readonly signal?: AbortSignal } = {},
): Promise<HeapSnapshot> {
  if (typeof file !== 'string') throw new ArgumentTypeError(`file: expected a path, got ${kindOf(file)}`);
  objectOption('options', options);
  signalOption(options.signal);
  const pieces = createReadStream(file, { highWaterMark: 256 * 1024 });
  let failure: Error | undefined;
  pieces.on('error', (error) => {
    failure = error;
  });
  try {
    return await summarise(pieces as AsyncIterable<Uint8Array>, options.signal);
  } catch (error) {
    if (error !== failure) throw error;
    throw new SnapshotFileError(`${file} could not be read`, { cause: error });
  }
}

async function summarise(
  pieces: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<HeapSnapshot> {
  const reader = new SnapshotReader();
  for await (const piece of pieces) {
    signal?.throwIfAborted();
    reader.push(piece);
  }
  return totalled(reader.finish());
}

function totalled(kinds: readonly HeapKind[]): HeapSnapshot {
  let count = 0;
  let selfBytes = 0;
  for (const kind of kinds) {
    count += kind.count;
    selfBytes += kind.selfBytes;
  }
  return { count, selfBytes, kinds: kinds.toSorted((a, b) => b.selfBytes - a.selfBytes) };
}

/** Writes beside the place, and moves there what is whole. */
async function written<T>(file: string, run: (write: (bytes: Uint8Array) => void) => Promise<T>): Promise<T> {
  const unfinished = `${file}.${process.pid}.unfinished`;
  let descriptor: number | undefined;
  try {
    const opened = openSync(unfinished, 'w', 0o600);
    descriptor = opened;
    const result = await run((bytes) => {
      for (let at = 0; at < bytes.length;) at += writeSync(opened, bytes, at);
    });
    fsyncSync(opened);
    descriptor = undefined;
    closeSync(opened);
    renameSync(unfinished, file);
    return result;
  } catch (error) {
    clear(unfinished, descriptor);
    if (!isSystemError(error)) throw error;
    throw new SnapshotFileError(`${file} could not be written: ${error.code}`, { cause: error });
  }
}

/** What fails here is less than what led here, and that is told. */
function clear(unfinished: string, descriptor: number | undefined): void {
  try {
    if (descriptor !== undefined) closeSync(descriptor);
    rmSync(unfinished, { force: true });
  } catch {}
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error && 'code' in error;
}
