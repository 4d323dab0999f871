/**
 * Call trees as the graph draws them: equal siblings made one, two trees laid over each other. Nothing here recurses,
 * so a tree may be as deep as it likes. Pure.
 */

import type { CallNode } from './call-node.ts';

/** A frame of one tree, or of two laid over each other. */
export interface Frame {
  readonly name: string;
  readonly url: string;
  readonly line: number;
  readonly parent: Frame | undefined;
  children: Map<string, Frame> | undefined;
  self: number;
  selfBefore: number;
  total: number;
  totalBefore: number;
  /** What its width stands for: the larger of both `self`, and all below. With one tree, `total`. */
  weight: number;
  /** How many calls of itself were folded into it. */
  folded: number;
}

function frameOf({ name, url, line }: CallNode, parent: Frame | undefined): Frame {
  return {
    name,
    url,
    line,
    parent,
    children: undefined,
    self: 0,
    selfBefore: 0,
    total: 0,
    totalBefore: 0,
    weight: 0,
    folded: 0,
  };
}

/** Levels below the root; in time and memory of the tree's size. */
export function depthOf(root: CallNode): number {
  let level: CallNode[] = [root];
  let depth = -1;
  while (level.length > 0) {
    depth++;
    const next: CallNode[] = [];
    for (const node of level) for (const child of node.children) next.push(child);
    level = next;
  }
  return depth;
}

/** Lines move when a file is edited: over two trees a function is known by its name, where it has one. */
function keyOf(node: CallNode, overTwo: boolean): string {
  const line = overTwo && node.name !== '' ? '' : node.line;
  return `${node.name}\0${node.url}\0${line}`;
}

const amount = (value: number): number => (value > 0 && value < Infinity ? value : 0);

interface Adding {
  readonly isBefore: boolean;
  readonly overTwo: boolean;
  readonly fold: boolean;
}

function add(source: CallNode, into: Frame, { isBefore, overTwo, fold }: Adding): void {
  const nodes: CallNode[] = [source];
  const frames: Frame[] = [into];
  for (let node = nodes.pop(); node !== undefined; node = nodes.pop()) {
    const frame = frames.pop()!;
    if (isBefore) frame.selfBefore += amount(node.self);
    else frame.self += amount(node.self);
    const ownKey = fold ? keyOf(node, overTwo) : '';
    for (const child of node.children) {
      const key = keyOf(child, overTwo);
      nodes.push(child);
      if (fold && key === ownKey) {
        frame.folded++;
        frames.push(frame);
        continue;
      }
      frame.children ??= new Map();
      let below = frame.children.get(key);
      if (below === undefined) {
        below = frameOf(child, frame);
        frame.children.set(key, below);
      }
      frames.push(below);
    }
  }
}

function measure(root: Frame): void {
  const order: Frame[] = [root];
  // Grows while it is walked: every parent stands before its children.
  for (const frame of order) {
    if (frame.children !== undefined) for (const child of frame.children.values()) order.push(child);
  }
  for (let at = order.length - 1; at >= 0; at--) {
    const frame = order[at]!;
    frame.total += frame.self;
    frame.totalBefore += frame.selfBefore;
    frame.weight += Math.max(frame.self, frame.selfBefore);
    const { parent } = frame;
    if (parent === undefined) continue;
    parent.total += frame.total;
    parent.totalBefore += frame.totalBefore;
    parent.weight += frame.weight;
  }
}

/**
 * The frames of a tree, or of a tree laid over an earlier one. With `fold`, a function that calls itself directly is
 * one frame, whatever it calls from any of its levels below it.
 */
export function framesOf(after: CallNode, before: CallNode | undefined, fold: boolean): Frame {
  const root = frameOf(after, undefined);
  const overTwo = before !== undefined;
  add(after, root, { isBefore: false, overTwo, fold });
  if (before !== undefined) add(before, root, { isBefore: true, overTwo, fold });
  measure(root);
  return root;
}
