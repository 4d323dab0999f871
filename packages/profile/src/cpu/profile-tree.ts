/** From V8's flat profile to a call tree with times. Iterative, for profiles as deep as they come. Pure. */

import type { CallNode } from '../flame/call-node.ts';
import type { V8CallFrame, V8CpuProfile } from './v8-profile.ts';

/** Where a frame's source is; lines and columns count from 1, 0 where there are none. */
export interface Place {
  readonly url: string;
  readonly line: number;
  readonly column: number;
}

export interface ProfileTree {
  /** All but idle time, in milliseconds. */
  readonly root: CallNode;
  readonly idleMs: number;
  readonly durationMs: number;
}

type Growing = { -readonly [Key in keyof CallNode]: CallNode[Key] } & { readonly children: CallNode[] };

const IDLE = '(idle)';

export function placeOf({ url, lineNumber, columnNumber }: V8CallFrame): Place {
  return { url, line: lineNumber + 1, column: columnNumber + 1 };
}

/**
 * How long each sample stood, in microseconds: until the next one, the last until the end. A clock that went back
 * counts as one that stood.
 */
export function sampleTimes({
  startTime,
  endTime,
  samples = [],
  timeDeltas = [],
}: V8CpuProfile): Float64Array {
  const times = new Float64Array(samples.length);
  let at = startTime + Math.max(0, timeDeltas[0] ?? 0);
  for (let sample = 0; sample < samples.length; sample++) {
    const isLast = sample === samples.length - 1;
    const next = isLast ? endTime : at + (timeDeltas[sample + 1] ?? 0);
    times[sample] = Math.max(0, next - at);
    at = Math.max(at, next);
  }
  return times;
}

/** @param places where frames come from, by V8's frame; those missing are as V8 has them. */
export function profileTree(
  profile: V8CpuProfile,
  places: ReadonlyMap<V8CallFrame, Place> = new Map(),
): ProfileTree {
  const durationMs = Math.max(0, profile.endTime - profile.startTime) / 1000;
  const indexOf = new Map(profile.nodes.map(({ id }, index) => [id, index]));
  const grown = profile.nodes.map(({ callFrame }): Growing => {
    const place = places.get(callFrame) ?? placeOf(callFrame);
    return { name: callFrame.functionName, ...place, self: 0, total: 0, children: [] };
  });
  const root = grown[0];
  if (root === undefined) return { root: emptyRoot(), idleMs: 0, durationMs };

  const times = sampleTimes(profile);
  const samples = profile.samples ?? [];
  for (let sample = 0; sample < samples.length; sample++) {
    const node = grown[indexOf.get(samples[sample]!) ?? -1];
    if (node !== undefined) node.self += times[sample]! / 1000;
  }
  const idleMs = connect(profile, grown, indexOf);
  return { root, idleMs, durationMs };
}

/** Hangs children under their parents and sums totals from the leaves up; gives the idle time, which it leaves out. */
function connect(
  profile: V8CpuProfile,
  grown: readonly Growing[],
  indexOf: ReadonlyMap<number, number>,
): number {
  let idleMs = 0;
  const order = [0];
  const parents = new Int32Array(grown.length).fill(-1);
  const isMet = new Uint8Array(grown.length);
  isMet[0] = 1;
  // Grows while it is walked. A node met before would be a circle, which no profile of V8's has.
  for (const at of order) {
    for (const id of profile.nodes[at]!.children ?? []) {
      const child = indexOf.get(id);
      if (child === undefined || isMet[child] === 1) continue;
      isMet[child] = 1;
      if (at === 0 && grown[child]!.name === IDLE) {
        idleMs += grown[child]!.self;
        continue;
      }
      parents[child] = at;
      grown[at]!.children.push(grown[child]!);
      order.push(child);
    }
  }
  for (let last = order.length - 1; last >= 0; last--) {
    const node = grown[order[last]!]!;
    node.total += node.self;
    const parent = grown[parents[order[last]!]!];
    if (parent !== undefined) parent.total += node.total;
  }
  return idleMs;
}

function emptyRoot(): CallNode {
  return { name: '(root)', url: '', line: 0, column: 0, self: 0, total: 0, children: [] };
}
