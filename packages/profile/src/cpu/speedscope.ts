/** A profile in the file format of speedscope, https://www.speedscope.app/file-format-schema.json. Pure. */

import { placeOf, sampleTimes } from './profile-tree.ts';
import type { Place } from './profile-tree.ts';
import type { V8CallFrame, V8CpuProfile } from './v8-profile.ts';

export interface SpeedscopeFile {
  readonly $schema: 'https://www.speedscope.app/file-format-schema.json';
  readonly exporter: string;
  readonly name: string;
  readonly shared: { readonly frames: readonly SpeedscopeFrame[] };
  readonly profiles: readonly SpeedscopeProfile[];
}

export interface SpeedscopeFrame {
  readonly name: string;
  readonly file?: string;
  readonly line?: number;
  readonly col?: number;
}

/** Frames opened (`O`) and closed (`C`) over time, in microseconds from the profile's start. */
export interface SpeedscopeProfile {
  readonly type: 'evented';
  readonly name: string;
  readonly unit: 'microseconds';
  readonly startValue: 0;
  readonly endValue: number;
  readonly events: readonly { readonly type: 'O' | 'C'; readonly at: number; readonly frame: number }[];
}

interface Stacks {
  /** By node, in the order of the profile: its parent, how deep it is, and its frame. The root is -1 deep. */
  readonly parents: Int32Array;
  readonly depths: Int32Array;
  readonly frames: Int32Array;
  readonly indexOf: ReadonlyMap<number, number>;
}

type Event = SpeedscopeProfile['events'][number];

/** Stacks are told by their changes only: 1e6 samples of one deep stack are as small as one. */
export function speedscopeOf(
  profile: V8CpuProfile,
  name: string,
  places: ReadonlyMap<V8CallFrame, Place>,
): SpeedscopeFile {
  const shared: SpeedscopeFrame[] = [];
  const stacks = stacksOf(profile.nodes, places, shared);
  const events: Event[] = [];
  const times = sampleTimes(profile);
  const samples = profile.samples ?? [];
  let at = Math.max(0, profile.timeDeltas?.[0] ?? 0);
  let current = 0;
  for (let sample = 0; sample < samples.length; sample++) {
    const next = stacks.indexOf.get(samples[sample]!) ?? 0;
    if (next !== current) move(stacks, current, next, at, events);
    current = next;
    at += times[sample]!;
  }
  move(stacks, current, 0, at, events);
  return {
    $schema: 'https://www.speedscope.app/file-format-schema.json',
    exporter: '@hotpath/profile',
    name,
    shared: { frames: shared },
    profiles: [{ type: 'evented', name, unit: 'microseconds', startValue: 0, endValue: at, events }],
  };
}

/** How many events {@link speedscopeOf} would make of it, without making them. */
export function eventsOf({ nodes, samples = [] }: V8CpuProfile): number {
  const { parents, depths, indexOf } = stacksOf(nodes, new Map(), []);
  let count = 0;
  let current = 0;
  // Back to the root at the end.
  for (let sample = 0; sample <= samples.length; sample++) {
    const next = indexOf.get(samples[sample] ?? -1) ?? 0;
    for (let [from, to] = [current, next]; from !== to; count++) {
      if (depths[from]! >= depths[to]!) from = parents[from]!;
      else to = parents[to]!;
    }
    current = next;
  }
  return count;
}

/** Closes the frames of one stack and opens those of another, but for what they share. */
function move(
  { parents, depths, frames }: Stacks,
  from: number,
  to: number,
  at: number,
  events: Event[],
): void {
  const opened: Event[] = [];
  let closing = from;
  let opening = to;
  while (closing !== opening) {
    if (depths[closing]! >= depths[opening]!) {
      events.push({ type: 'C', at, frame: frames[closing]! });
      closing = parents[closing]!;
    } else {
      opened.push({ type: 'O', at, frame: frames[opening]! });
      opening = parents[opening]!;
    }
  }
  for (const event of opened.reverse()) events.push(event);
}

function stacksOf(
  nodes: V8CpuProfile['nodes'],
  places: ReadonlyMap<V8CallFrame, Place>,
  shared: SpeedscopeFrame[],
): Stacks {
  const indexOf = new Map(nodes.map(({ id }, index) => [id, index]));
  const parents = new Int32Array(nodes.length).fill(-1);
  const depths = new Int32Array(nodes.length).fill(-1);
  const frames = new Int32Array(nodes.length);
  const known = new Map<string, number>();
  const order = nodes.length > 0 ? [0] : [];
  for (const at of order) {
    for (const id of nodes[at]!.children ?? []) {
      const child = indexOf.get(id);
      if (child === undefined || child === 0 || parents[child] !== -1) continue;
      parents[child] = at;
      depths[child] = depths[at]! + 1;
      frames[child] = frameOf(nodes[child]!.callFrame, places, known, shared);
      order.push(child);
    }
  }
  return { parents, depths, frames, indexOf };
}

function frameOf(
  callFrame: V8CallFrame,
  places: ReadonlyMap<V8CallFrame, Place>,
  known: Map<string, number>,
  shared: SpeedscopeFrame[],
): number {
  const { url, line, column } = places.get(callFrame) ?? placeOf(callFrame);
  const name = callFrame.functionName === '' ? '(anonymous)' : callFrame.functionName;
  const key = `${name}\0${url}\0${line}\0${column}`;
  const index = known.get(key) ?? shared.length;
  if (index === shared.length) {
    known.set(key, index);
    shared.push(url === '' ? { name } : { name, file: url, line, col: column });
  }
  return index;
}
