import type { ReadRecord, WriteRecord } from './protocol.ts';

/** A read that saw less than was allowed. */
export interface StaleRead {
  readonly worker: number;
  readonly key: number;
  readonly saw: number;
  /** The least that it might have seen. */
  readonly expected: number;
  /** How long after that had been confirmed it began, in ms. */
  readonly lateMs: number;
}

/** What one process did. */
export interface WorkerHistory {
  readonly worker: number;
  readonly reads: readonly ReadRecord[];
  readonly writes: readonly WriteRecord[];
}

/** From when on a key is not to be seen below a version; by time, versions only ever grow. */
type Floors = Map<number, { readonly at: number; readonly version: number }[]>;

function floorsOf(writes: readonly WriteRecord[]): Floors {
  const floors: Floors = new Map();
  for (const [at, key, version] of [...writes].sort((a, b) => a[0] - b[0])) {
    const steps = floors.get(key) ?? [];
    if (version > (steps.at(-1)?.version ?? 0)) steps.push({ at, version });
    floors.set(key, steps);
  }
  return floors;
}

/** The last step at or before a moment, by bisection. */
function floorAt(floors: Floors, key: number, moment: number): { at: number; version: number } | undefined {
  const steps = floors.get(key) ?? [];
  let low = 0;
  let high = steps.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (steps[middle]!.at <= moment) low = middle + 1;
    else high = middle;
  }
  return steps[low - 1];
}

/**
 * Every read against what was allowed: it may not see less than what had been confirmed for all, or had returned in its
 * own process in whatever way, before it began.
 */
export function staleReadsOf(histories: readonly WorkerHistory[]): StaleRead[] {
  const forAll = floorsOf(histories.flatMap(({ writes }) => writes.filter(([, , , isForAll]) => isForAll)));
  const stale: StaleRead[] = [];
  for (const { worker, reads, writes } of histories) {
    const own = floorsOf(writes);
    for (const [beganAt, key, saw] of reads) {
      for (const floor of [floorAt(forAll, key, beganAt), floorAt(own, key, beganAt)]) {
        if (floor === undefined || saw >= floor.version) continue;
        stale.push({ worker, key, saw, expected: floor.version, lateMs: beganAt - floor.at });
        break;
      }
    }
  }
  return stale;
}
