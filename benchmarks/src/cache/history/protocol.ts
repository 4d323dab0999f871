/** Between the process that is the database, injects faults and checks, and the processes that read and write. */

/** How the processes of a history cache. */
export type HistoryMode =
  /** Each invalidation is confirmed in all processes. */
  | 'ours'
  /** As `ours`, with the row's version, and loads read a replica that lags. */
  | 'versioned'
  /** Invalidations are told and not confirmed; a process that is cut off serves memory for a capped life. */
  | 'told'
  /** Reads, else loads and sets, and deletes after a write. */
  | 'naive';

/** What a worker is started with. */
export interface WorkerPlan {
  readonly redisUrl: string;
  readonly namespace: string;
  readonly seed: number;
  readonly mode: HistoryMode;
  readonly keyCount: number;
  readonly readerCount: number;
  /** Mean time between two writes of this process, in ms. */
  readonly writeEveryMs: number;
  /** With `told`, how long memory keeps a value while the process is cut off. */
  readonly capMs: number;
  /** How long its event loop stands still before that counts as a stall, in ms. */
  readonly stallMs: number;
  /** Breaks the cache: one message of so many is not handed to it. 0 for none. */
  readonly dropOneIn: number;
  /** Breaks the process: its read of this number throws. 0 for none. */
  readonly throwAtRead: number;
}

/** A read: when it began, of which key, the version that it saw (0: none), and when it ended. Moments by `nowMs`. */
export type ReadRecord = readonly [beganAt: number, key: number, version: number, endedAt: number];

/**
 * Whom an invalidation that returned is to hold for: all from then on; all who have been told; or, when it was `queued`, this
 * process only.
 */
export type Reach = 'all' | 'told' | 'own';

export type WriteRecord = readonly [returnedAt: number, key: number, version: number, reach: Reach];

/** An invalidation of another process has arrived. */
export type HeardRecord = readonly [at: number, key: number, version: number];

/** Messages arrive from now on, or no longer do. */
export type BusRecord = readonly [at: number, isUp: boolean];

/** All that a process did and saw, since it last reported. */
export interface Records {
  readonly reads: ReadRecord[];
  readonly writes: WriteRecord[];
  readonly heard: HeardRecord[];
  readonly bus: BusRecord[];
  /** When its event loop stood still. */
  readonly stalls: (readonly [from: number, to: number])[];
}

export function emptyRecords(): Records {
  return { reads: [], writes: [], heard: [], bus: [], stalls: [] };
}

export type FromWorker =
  | { readonly kind: 'ready' }
  | { readonly kind: 'load' | 'loadPrimary' | 'write'; readonly call: number; readonly key: number }
  | { readonly kind: 'records'; readonly records: Records };

export type ToWorker =
  | { readonly kind: 'answer'; readonly call: number; readonly version: number }
  | { readonly kind: 'stop' };

/** One clock for all processes of the machine. */
export function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
