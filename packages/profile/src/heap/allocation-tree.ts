/** A sampled profile as a call tree, and its functions in order of what they allocate. Pure. */

import type { CallNode } from '../flame/call-node.ts';
import type { V8HeapNode, V8HeapProfile } from './sampler.ts';

/** Where a function is. */
export interface AllocationFrame {
  /** As V8 names it; empty for a function without a name. */
  readonly name: string;
  /** A `file:` URL, a path, `node:fs`, or empty for native code. */
  readonly url: string;
  /** Of the function's first character, from 1; 0 where there is none. */
  readonly line: number;
  readonly column: number;
}

/** A function, and what was allocated in it. */
export interface AllocationSite extends AllocationFrame {
  /** By itself, without what it called. An estimate, like all bytes here. */
  readonly selfBytes: number;
  /** `selfBytes` over all bytes, 0 to 1. */
  readonly selfShare: number;
  /** With what it called; a function that calls itself counts once. */
  readonly totalBytes: number;
  /** Samples behind `selfBytes`, whose error is about one over their square root: 100 samples, 10 %. */
  readonly sampleCount: number;
  /** The callers on the way that most of `selfBytes` came by, nearest first. */
  readonly callers: readonly AllocationFrame[];
}

/** Which frames are the profiler's own. */
export interface OwnFrames {
  /** Its own, but what they call is not: a path begins below them. */
  isRunner(node: V8HeapNode): boolean;
  /** Its own with everything below. */
  isOwn(node: V8HeapNode): boolean;
}

/** A call tree, whose nodes know their samples. */
interface CountedNode extends CallNode {
  readonly sampleCount: number;
  readonly children: readonly CountedNode[];
}

export interface AllocationTree {
  readonly root: CountedNode;
}

/** Where frames are in their sources; those missing are as V8 has them. */
export type Places = ReadonlyMap<V8HeapNode['callFrame'], Omit<AllocationFrame, 'name'>>;

function frameOf({ callFrame }: V8HeapNode, places: Places): AllocationFrame {
  const { functionName: name, url, lineNumber, columnNumber } = callFrame;
  return { name, ...(places.get(callFrame) ?? { url, line: lineNumber + 1, column: columnNumber + 1 }) };
}

/** The frames of all nodes. */
export function framesOf({ head }: V8HeapProfile): readonly V8HeapNode['callFrame'][] {
  const nodes = [head];
  // Grows while it is walked.
  for (const { children } of nodes) nodes.push(...children);
  return nodes.map(({ callFrame }) => callFrame);
}

const keyOf = ({ name, url, line, column }: AllocationFrame): string => `${url}\0${line}\0${column}\0${name}`;

/** A function under one path, while samples of several nodes flow together in it. */
interface Growing {
  frame: AllocationFrame;
  selfBytes: number;
  sampleCount: number;
  children: Map<string, Growing>;
}

const growing = (frame: AllocationFrame): Growing => ({
  frame,
  selfBytes: 0,
  sampleCount: 0,
  children: new Map(),
});

/** V8 keeps at most 128 frames of a stack, so what recurses over the tree is bounded. */
export function treeOf({ head, samples }: V8HeapProfile, own: OwnFrames, places: Places): AllocationTree {
  const counts = new Map<number, number>();
  for (const { nodeId } of samples) counts.set(nodeId, (counts.get(nodeId) ?? 0) + 1);
  const top = growing({ name: '(root)', url: '', line: 0, column: 0 });
  const add = (nodes: readonly V8HeapNode[], into: Growing): void => {
    for (const node of nodes) {
      if (own.isOwn(node)) continue;
      if (own.isRunner(node)) {
        add(node.children, top);
        continue;
      }
      const frame = frameOf(node, places);
      const key = keyOf(frame);
      let below = into.children.get(key);
      if (below === undefined) into.children.set(key, (below = growing(frame)));
      below.selfBytes += node.selfSize;
      below.sampleCount += counts.get(node.id) ?? 0;
      add(node.children, below);
    }
  };
  add(head.children, top);
  return { root: finished(top) };
}

function finished({ frame, selfBytes, sampleCount, children }: Growing): CountedNode {
  const below: CountedNode[] = [];
  let total = selfBytes;
  for (const child of children.values()) {
    const node = finished(child);
    // Code that was compiled, say, leaves paths on which nothing lives any more.
    if (node.total === 0) continue;
    total += node.total;
    below.push(node);
  }
  return { ...frame, self: selfBytes, total, sampleCount, children: below };
}

interface Summed {
  readonly frame: AllocationFrame;
  selfBytes: number;
  totalBytes: number;
  sampleCount: number;
  heaviest: number;
  callers: readonly AllocationFrame[];
}

/** The functions that allocated most by themselves, at most `count`, the heaviest first. */
export function topSites({ root }: AllocationTree, count: number): readonly AllocationSite[] {
  const sums = new Map<string, Summed>();
  const path: CountedNode[] = [];
  const active = new Set<Summed>();
  const visit = (node: CountedNode): void => {
    const sum = summed(sums, node);
    const isOuter = !active.has(sum);
    if (isOuter) {
      active.add(sum);
      sum.totalBytes += node.total;
    }
    sum.selfBytes += node.self;
    sum.sampleCount += node.sampleCount;
    if (node.self > sum.heaviest) {
      sum.heaviest = node.self;
      sum.callers = path.toReversed().map(placeOf);
    }
    path.push(node);
    for (const child of node.children) visit(child);
    path.pop();
    if (isOuter) active.delete(sum);
  };
  for (const child of root.children) visit(child);
  return [...sums.values()]
    .filter(({ selfBytes }) => selfBytes > 0)
    .sort((a, b) => b.selfBytes - a.selfBytes)
    .slice(0, count)
    .map(({ frame, selfBytes, totalBytes, sampleCount, callers }) => ({
      ...frame,
      selfBytes,
      selfShare: selfBytes / root.total,
      totalBytes,
      sampleCount,
      callers,
    }));
}

const placeOf = ({ name, url, line, column }: CountedNode): AllocationFrame => ({ name, url, line, column });

function summed(sums: Map<string, Summed>, node: CountedNode): Summed {
  const key = keyOf(node);
  let sum = sums.get(key);
  if (sum === undefined) {
    sum = {
      frame: placeOf(node),
      selfBytes: 0,
      totalBytes: 0,
      sampleCount: 0,
      heaviest: 0,
      callers: [],
    };
    sums.set(key, sum);
  }
  return sum;
}
