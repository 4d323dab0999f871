/** Stable codes of this package's errors; compare these, not messages. */
export type IoErrorCode =
  | 'ERR_HOTPATH_IO_ARGUMENT_TYPE'
  | 'ERR_HOTPATH_IO_ARGUMENT_RANGE'
  | 'ERR_HOTPATH_IO_OPEN_FAILED'
  | 'ERR_HOTPATH_IO_WRITE_FAILED'
  | 'ERR_HOTPATH_IO_SYNC_FAILED'
  | 'ERR_HOTPATH_IO_OVERFLOW'
  | 'ERR_HOTPATH_IO_BUSY'
  | 'ERR_HOTPATH_IO_CLOSED'
  | 'ERR_HOTPATH_IO_BATCH_RESULT'
  | 'ERR_HOTPATH_IO_BATCH_TIMEOUT'
  | 'ERR_HOTPATH_IO_RELEASED'
  | 'ERR_HOTPATH_IO_LOG_LOCKED'
  | 'ERR_HOTPATH_IO_LOG_CORRUPT'
  | 'ERR_HOTPATH_IO_NOT_A_LOG'
  | 'ERR_HOTPATH_IO_LINE_TOO_LONG'
  | 'ERR_HOTPATH_IO_VERIFY_FAILED';

/**
 * What every failure of this package has in common, arguments aside: those are an {@link ArgumentTypeError} or a
 * {@link ArgumentRangeError}, so that `instanceof TypeError` and `instanceof RangeError` hold.
 */
export class IoError extends Error {
  override readonly name: string = 'IoError';
  readonly code: IoErrorCode;

  constructor(code: IoErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** An argument is of the wrong type. */
export class ArgumentTypeError extends TypeError {
  override readonly name: string = 'ArgumentTypeError';
  readonly code = 'ERR_HOTPATH_IO_ARGUMENT_TYPE' as const;
}

/** An argument is of the right type and of a value that cannot be. */
export class ArgumentRangeError extends RangeError {
  override readonly name: string = 'ArgumentRangeError';
  readonly code = 'ERR_HOTPATH_IO_ARGUMENT_RANGE' as const;
}

/** The file could not be opened; `cause` is the system's error. A failed `reopen()` keeps the file it had. */
export class OpenFailedError extends IoError {
  override readonly name = 'OpenFailedError';

  constructor(path: string, cause: unknown) {
    super('ERR_HOTPATH_IO_OPEN_FAILED', `cannot open ${JSON.stringify(path)}: ${reasonOf(cause)}`, { cause });
  }
}

/**
 * The system refused a write (`ENOSPC`, `EIO`, `EPIPE` …). Nothing is lost: what came before `positionBytes` is written,
 * what follows is still buffered, and `retry()` goes on at exactly that byte.
 */
export class WriteFailedError extends IoError {
  override readonly name = 'WriteFailedError';
  /** Bytes of this writer that the system has taken; the first byte that it has not is at this position. */
  readonly positionBytes: number;
  /** Bytes still buffered when the write failed; text that is not encoded yet counts one byte a UTF-16 unit. */
  readonly pendingBytes: number;

  constructor(positionBytes: number, pendingBytes: number, cause: unknown) {
    super(
      'ERR_HOTPATH_IO_WRITE_FAILED',
      `write failed at byte ${positionBytes} with ${pendingBytes} bytes pending: ${reasonOf(cause)}`,
      { cause },
    );
    this.positionBytes = positionBytes;
    this.pendingBytes = pendingBytes;
  }
}

/**
 * `fdatasync` failed. The kernel may have dropped the pages it could not write, so a second `fdatasync` that succeeds
 * proves nothing: every later flush with `sync` on the same file fails with this too, until `reopen()`.
 */
export class SyncFailedError extends IoError {
  override readonly name = 'SyncFailedError';
  /** Bytes of this writer that are known to be on the disk. */
  readonly durableBytes: number;

  constructor(durableBytes: number, cause: unknown) {
    super(
      'ERR_HOTPATH_IO_SYNC_FAILED',
      `fdatasync failed, durable up to byte ${durableBytes}: ${reasonOf(cause)}`,
      {
        cause,
      },
    );
    this.durableBytes = durableBytes;
  }
}

/** A buffer or queue is full. Nothing of the write or item was taken. */
export class OverflowError extends IoError {
  override readonly name = 'OverflowError';
  /** What is pending, in `unit`s. */
  readonly pending: number;
  readonly unit: 'bytes' | 'items';

  constructor(pending: number, limit: number, unit: 'bytes' | 'items', cause?: unknown) {
    super(
      'ERR_HOTPATH_IO_OVERFLOW',
      `full: ${pending} ${unit} pending, limit ${limit}`,
      cause === undefined ? undefined : { cause },
    );
    this.pending = pending;
    this.unit = unit;
  }
}

/** A synchronous flush could not finish in its time: the descriptor takes nothing, or a write is under way elsewhere. */
export class BusyError extends IoError {
  override readonly name = 'BusyError';

  constructor(message: string) {
    super('ERR_HOTPATH_IO_BUSY', message);
  }
}

/** The object was closed or destroyed before the call, or while the call waited. */
export class ClosedError extends IoError {
  override readonly name = 'ClosedError';

  constructor(what: string, cause?: unknown) {
    super('ERR_HOTPATH_IO_CLOSED', `${what} is closed`, cause === undefined ? undefined : { cause });
  }
}

/** A batch handler did not return one result an item. */
export class BatchResultError extends IoError {
  override readonly name = 'BatchResultError';

  constructor(expectedCount: number, got: string) {
    super(
      'ERR_HOTPATH_IO_BATCH_RESULT',
      `handler: expected nothing or an array of ${expectedCount} results, one an item, got ${got}`,
    );
  }
}

/** A batch handler did not settle within `timeoutMs`; whether it did its work is unknown. */
export class BatchTimeoutError extends IoError {
  override readonly name = 'BatchTimeoutError';

  constructor(timeoutMs: number) {
    super('ERR_HOTPATH_IO_BATCH_TIMEOUT', `handler did not settle within ${timeoutMs} ms`);
  }
}

/** A permit was released a second time; the places are whole, the caller's count is not. */
export class ReleasedError extends IoError {
  override readonly name = 'ReleasedError';

  constructor() {
    super('ERR_HOTPATH_IO_RELEASED', 'permit was released before');
  }
}

/** A process that lives has the log open for writing. */
export class LogLockedError extends IoError {
  override readonly name = 'LogLockedError';
  /** Its pid; undefined when several processes contended and none of them was seen. */
  readonly pid: number | undefined;

  constructor(path: string, pid: number | undefined) {
    super(
      'ERR_HOTPATH_IO_LOG_LOCKED',
      `log ${JSON.stringify(path)} has a writer: ${pid === undefined ? 'others contend' : `process ${pid}`}`,
    );
    this.pid = pid;
  }
}

/** A record is damaged and sound ones follow it, so that cutting the file there would lose them. Nothing was changed. */
export class LogCorruptError extends IoError {
  override readonly name = 'LogCorruptError';
  /** Where the damaged record starts. */
  readonly position: number;

  constructor(path: string, position: number) {
    super(
      'ERR_HOTPATH_IO_LOG_CORRUPT',
      `log ${JSON.stringify(path)} is damaged at byte ${position}, and sound records follow`,
    );
    this.position = position;
  }
}

/** A file that was to be a log starts with something else. It was left as it is. */
export class NotALogError extends IoError {
  override readonly name = 'NotALogError';

  constructor(path: string) {
    super('ERR_HOTPATH_IO_NOT_A_LOG', `${JSON.stringify(path)} is no log: it starts with other bytes`);
  }
}

/** A line is longer than `maxLineBytes`. */
export class LineTooLongError extends IoError {
  override readonly name = 'LineTooLongError';
  /** Its number, from 1. */
  readonly lineNumber: number;

  constructor(lineNumber: number, maxLineBytes: number) {
    super(
      'ERR_HOTPATH_IO_LINE_TOO_LONG',
      `line ${lineNumber}: longer than maxLineBytes, ${maxLineBytes} bytes`,
    );
    this.lineNumber = lineNumber;
  }
}

/** A copy, read back, differs from what was read from the source. The copy was removed. */
export class VerifyFailedError extends IoError {
  override readonly name = 'VerifyFailedError';

  constructor(path: string) {
    super('ERR_HOTPATH_IO_VERIFY_FAILED', `the copy at ${JSON.stringify(path)} differs from its source`);
  }
}

/** Whether the same call can succeed later without anything being lost or done twice: full disks, full buffers, busy descriptors. */
export function isRetryable(error: unknown): boolean {
  return error instanceof WriteFailedError || error instanceof OverflowError || error instanceof BusyError;
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
