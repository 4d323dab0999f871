/** V8's sampling heap profiler: about one allocation in every `intervalBytes` is remembered, with its stack. */

import { ProfilerBusyError } from '../errors.ts';
import type { InspectorSession } from '../session.ts';

/** A function in a sampled call tree, as V8 tells it: lines and columns begin at 0. */
export interface V8HeapNode {
  readonly callFrame: {
    readonly functionName: string;
    readonly scriptId: string;
    readonly url: string;
    readonly lineNumber: number;
    readonly columnNumber: number;
  };
  readonly id: number;
  /** Bytes that stand for its samples, scaled up by the chance of being sampled. */
  readonly selfSize: number;
  readonly children: readonly V8HeapNode[];
}

/** The content of a `.heapprofile` file. */
export interface V8HeapProfile {
  readonly head: V8HeapNode;
  readonly samples: readonly { readonly size: number; readonly nodeId: number; readonly ordinal: number }[];
}

/** What a sampler tells at its end: everything that was allocated, or only what is still there. */
export type Keep = 'all' | 'live';

function isSampling(session: InspectorSession): boolean {
  try {
    session.post('HeapProfiler.getSamplingProfile');
    return true;
  } catch {
    return false;
  }
}

/**
 * @throws {ProfilerBusyError} another tool samples this thread's heap: V8 would go on with its settings, and end its profile
 *   with ours.
 */
export function startSampling(session: InspectorSession, intervalBytes: number, keep: Keep): void {
  if (isSampling(session)) {
    throw new ProfilerBusyError("another tool is sampling this thread's heap (--heap-prof or an inspector)");
  }
  session.post('HeapProfiler.startSampling', {
    samplingInterval: intervalBytes,
    includeObjectsCollectedByMajorGC: keep === 'all',
    includeObjectsCollectedByMinorGC: keep === 'all',
  });
}

export function stopSampling(session: InspectorSession): V8HeapProfile {
  return session.post('HeapProfiler.stopSampling')['profile'] as V8HeapProfile;
}
