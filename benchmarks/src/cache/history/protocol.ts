/** Between the process that is the database, injects faults and checks, and the processes that read and write. */

/** What a worker is started with. */
export interface WorkerPlan {
  readonly redisUrl: string;
  readonly namespace: string;
  readonly seed: number;
  /**
   * `ours` confirms each invalidation in all processes, `versioned` does so with the row's version, and loads from a
   * replica that lags; `naive` reads, else loads and sets, and deletes after a write.
   */
  readonly mode: 'ours' | 'versioned' | 'naive';
  readonly keyCount: number;
  readonly readerCount: number;
  /** Mean time between two writes of this process, in ms. */
  readonly writeEveryMs: number;
}

/** A read: when it began, of which key, and the version that it saw (0: none). Moments by `nowMs`. */
export type ReadRecord = readonly [beganAt: number, key: number, version: number];

/** An invalidation that returned: from then on nobody may see less; when it was `queued`, or not confirmed, nobody here. */
export type WriteRecord = readonly [returnedAt: number, key: number, version: number, isForAll: boolean];

export type FromWorker =
  | { readonly kind: 'ready' }
  | { readonly kind: 'load' | 'loadPrimary' | 'write'; readonly call: number; readonly key: number }
  | {
      readonly kind: 'records';
      readonly reads: readonly ReadRecord[];
      readonly writes: readonly WriteRecord[];
    };

export type ToWorker =
  | { readonly kind: 'answer'; readonly call: number; readonly version: number }
  | { readonly kind: 'stop' };

/** One clock for all processes of the machine. */
export function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
