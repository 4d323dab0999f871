/** The JSON that `bench --json` writes and `--save`, `--compare` and the HTML report read. Fields are only ever added. */

import type { GuideFigure, PackageName, VariantKind } from '../harness/case.ts';

export const SCHEMA_VERSION = 1;

export interface Environment {
  /** When the run began, ISO 8601. */
  readonly date: string;
  readonly cpu: string;
  readonly cores: number;
  /** As the system names them: `L1d 32K, L2 512K, L3 8192K`; empty when unknown. */
  readonly caches: string;
  /** Frequency governor; `unknown` where the system does not say. */
  readonly governor: string;
  readonly memoryBytes: number;
  readonly os: string;
  readonly node: string;
  readonly v8: string;
  /** Of the repository; `unknown` outside a checkout, `+dirty` behind it when files differ. */
  readonly commit: string;
  /** One-minute load average when the run began. */
  readonly load: number;
  /** A line a service: version, where it came from, and the settings that matter. */
  readonly services: Readonly<Record<string, string>>;
  /** How the run was asked for: tier, seed, rounds. */
  readonly settings: Readonly<Record<string, string | number | boolean>>;
}

export type Metric = 'time' | 'bytes' | 'count' | 'rate';

export interface Result {
  readonly variant: string;
  readonly kind: VariantKind;
  readonly metric: Metric;
  /** `ns/op`, `B/op`, `gc/1e6 op`, `B` … */
  readonly unit: string;
  readonly value: number;
  /** 95 % interval of `value`. */
  readonly low: number;
  readonly high: number;
  /** Latency quantiles in `unit`, from a run of their own; only beside `time`. */
  readonly quantiles?: Readonly<Record<'p50' | 'p90' | 'p99' | 'p999' | 'max', number>>;
}

export interface Ratio {
  readonly of: string;
  readonly over: string;
  readonly metric: Metric;
  /** What was compared, where that is not the time of an operation: the unit of two results. */
  readonly unit?: string;
  /** How many times better `of` is than `over`; above 1 favours `of`. */
  readonly ratio: number;
  readonly low: number;
  readonly high: number;
}

export type Verdict =
  | 'reproduced'
  | 'short'
  | 'measured'
  | 'inconclusive'
  | 'not-applicable'
  | 'left-out'
  | 'failed';

export interface Series {
  readonly name: string;
  readonly x: readonly number[];
  readonly y: readonly number[];
}

export interface Row {
  readonly id: string;
  readonly case: string;
  readonly package: PackageName;
  readonly params: Readonly<Record<string, string | number | boolean>>;
  readonly guide: GuideFigure | null;
  readonly results: readonly Result[];
  readonly ratios: readonly Ratio[];
  readonly verdict: Verdict;
  readonly reason: string;
  /** What a reader must know of a variant: skipped and why, two modes, dead code suspected. */
  readonly notes?: readonly string[];
  readonly series?: readonly Series[];
  /** Number of the guide's claim that the row shows. */
  readonly claim?: number;
}

export interface Report {
  readonly schema: typeof SCHEMA_VERSION;
  readonly environment: Environment;
  readonly rows: readonly Row[];
}
