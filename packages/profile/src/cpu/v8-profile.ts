/** A CPU profile as V8 gives it and as `.cpuprofile` files hold it; lines and columns count from 0. */
export interface V8CpuProfile {
  readonly nodes: readonly V8ProfileNode[];
  /** Microseconds of V8's own clock. */
  readonly startTime: number;
  readonly endTime: number;
  /** The node that each sample found. */
  readonly samples?: readonly number[];
  /** Microseconds between each sample and the one before; the first counts from `startTime`. */
  readonly timeDeltas?: readonly number[];
}

export interface V8ProfileNode {
  readonly id: number;
  readonly callFrame: V8CallFrame;
  readonly hitCount?: number;
  readonly children?: readonly number[];
}

export interface V8CallFrame {
  readonly functionName: string;
  readonly scriptId: string;
  readonly url: string;
  readonly lineNumber: number;
  readonly columnNumber: number;
}
