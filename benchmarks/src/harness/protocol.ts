/** What the parent and a measuring process say to each other over Node's IPC channel. One request, one reply. */

import type { CallNode } from '@hotpath/profile';
import type { CaseContext, Findings } from './case.ts';

export interface PrepareRequest {
  readonly do: 'prepare';
  /** URL of the compiled case file. */
  readonly file: string;
  readonly id: string;
  readonly case: string;
  readonly variant: string;
  readonly context: CaseContext;
  /** Compute the answer as well; only the first process of a variant is asked. */
  readonly verify: boolean;
}

/** Runs the operation once, cold. */
export interface TryRequest {
  readonly do: 'try';
}

export interface WarmRequest {
  readonly do: 'warm';
  readonly blockMs: number;
  readonly warmupMs: number;
  /** Fewest operations of the warm-up. */
  readonly operations: number;
}

/** Collects garbage, runs one block alone and makes blocks longer if those of the warm-up were too short. */
export interface SettleRequest {
  readonly do: 'settle';
  readonly blockMs: number;
}

export interface BlockRequest {
  readonly do: 'block';
}

export interface DiagnoseRequest {
  readonly do: 'diagnose';
  /** Time for the whole diagnosis, milliseconds, met within one operation; 0 asks for the findings alone. */
  readonly budgetMs: number;
}

/** Samples the stacks of blocks for so long. */
export interface ProfileRequest {
  readonly do: 'profile';
  readonly durationMs: number;
}

/** Runs the operation once and asks what it found. */
export interface ExperimentRequest {
  readonly do: 'experiment';
}

export interface CloseRequest {
  readonly do: 'close';
}

export type Request =
  | PrepareRequest
  | TryRequest
  | WarmRequest
  | SettleRequest
  | BlockRequest
  | DiagnoseRequest
  | ProfileRequest
  | ExperimentRequest
  | CloseRequest;

export interface Diagnosis {
  /** JavaScript heap and external memory allocated by an operation. */
  readonly bytesPerOp: number;
  readonly collections: number;
  /** Operations in which `collections` were counted. */
  readonly operations: number;
  readonly peakRssBytes: number;
  /** Nanoseconds of single operations, ascending; empty for operations too short to time one by one. */
  readonly latenciesNs: readonly number[];
  /** Nanoseconds of an operation that does nothing, in the same loop. */
  readonly emptyNs: number;
}

export type Reply =
  | { readonly ok: 'prepared'; readonly answer: unknown; readonly answerMs: number }
  | { readonly ok: 'skipped'; readonly reason: string }
  | { readonly ok: 'tried'; readonly nsPerOp: number }
  | { readonly ok: 'warm' }
  | { readonly ok: 'settled'; readonly nsPerOp: number }
  | { readonly ok: 'block'; readonly nsPerOp: number }
  | { readonly ok: 'diagnosed'; readonly diagnosis?: Diagnosis; readonly findings: Findings }
  | { readonly ok: 'profiled'; readonly root: CallNode }
  | { readonly ok: 'experimented'; readonly findings: Findings }
  | { readonly ok: 'closed' }
  | { readonly ok: 'failed'; readonly message: string };
