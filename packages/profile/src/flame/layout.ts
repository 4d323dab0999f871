/**
 * Which frames are drawn, and where. The number of boxes is bounded whatever the tree: frames too narrow to see, or
 * that come after the `maxFrames` widest, are drawn as one box beside their siblings. Pure.
 *
 *   (root)                                             depth 0
 *   ├─ main ──────────────────────┬─ (gc) ─┬ 12 small ┤
 *   ├─ parse ────────┬─ write ────┤
 *
 * A child is never heavier than its parent, so taking the heaviest frames takes every kept frame's parent too.
 */

import type { Frame } from './frames.ts';

export interface Box {
  readonly frame: Frame;
  /** Left edge and width as shares of the root's, 0 to 1. */
  readonly x: number;
  readonly width: number;
  readonly depth: number;
  /** 0 for a frame; for a box that stands for frames left out, how many siblings it stands for. */
  readonly merged: number;
  readonly total: number;
  readonly totalBefore: number;
}

export interface Limits {
  /** Frames drawn at most; boxes of frames left out come on top, at most one a frame. */
  readonly maxFrames: number;
  /** Levels drawn below the root. */
  readonly maxDepth: number;
}

/** Narrower than this share of the graph, a frame is not worth its bytes: half a pixel of 1200. */
const LEAST_SHARE = 1 / 2400;

interface Level {
  readonly frame: Frame;
  readonly x: number;
  readonly depth: number;
}

function leastWeight(root: Frame, { maxFrames, maxDepth }: Limits): number {
  const least = root.weight * LEAST_SHARE;
  const weights: number[] = [];
  const open: Level[] = [{ frame: root, x: 0, depth: 0 }];
  for (let level = open.pop(); level !== undefined; level = open.pop()) {
    weights.push(level.frame.weight);
    if (level.depth >= maxDepth || level.frame.children === undefined) continue;
    for (const frame of level.frame.children.values()) {
      if (frame.weight >= least) open.push({ frame, x: 0, depth: level.depth + 1 });
    }
  }
  if (weights.length <= maxFrames) return least;
  weights.sort((a, b) => b - a);
  // The smallest weight above the first one that has no room: frames of equal weight are all in or all out.
  const tooLight = weights[maxFrames]!;
  let last = maxFrames - 1;
  while (last > 0 && weights[last] === tooLight) last--;
  return weights[last]!;
}

const byWeight = (a: Frame, b: Frame): number =>
  b.weight - a.weight || compare(a.name, b.name) || compare(a.url, b.url) || a.line - b.line;

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** The boxes in preorder: a box is followed by all below it. None where the root weighs nothing. */
export function layoutOf(root: Frame, limits: Limits): Box[] {
  const boxes: Box[] = [];
  if (root.weight === 0) return boxes;
  const least = leastWeight(root, limits);
  let room = limits.maxFrames;
  const open: (Level | Box)[] = [{ frame: root, x: 0, depth: 0 }];
  for (let level = open.pop(); level !== undefined; level = open.pop()) {
    if ('merged' in level) {
      boxes.push(level);
      continue;
    }
    const { frame, x, depth } = level;
    const { total, totalBefore } = frame;
    room--;
    boxes.push({ frame, x, depth, width: frame.weight / root.weight, merged: 0, total, totalBefore });
    if (frame.children !== undefined) {
      // There is no room where frames as heavy as the root are too many: each is the only child of the one before.
      const isToGoOn = depth < limits.maxDepth && room > 0;
      // The first child is the last in, so that it comes out first.
      open.push(...childrenOf(level, root.weight, isToGoOn ? least : Infinity).reverse());
    }
  }
  return boxes;
}

function childrenOf({ frame, x, depth }: Level, rootWeight: number, least: number): (Level | Box)[] {
  const levels: (Level | Box)[] = [];
  const small: Frame[] = [];
  const kept: Frame[] = [];
  for (const child of frame.children!.values()) (child.weight >= least ? kept : small).push(child);
  let left = x;
  for (const child of kept.sort(byWeight)) {
    levels.push({ frame: child, x: left, depth: depth + 1 });
    left += child.weight / rootWeight;
  }
  let weight = 0;
  let total = 0;
  let totalBefore = 0;
  for (const child of small) {
    weight += child.weight;
    total += child.total;
    totalBefore += child.totalBefore;
  }
  const width = weight / rootWeight;
  if (width >= LEAST_SHARE) {
    levels.push({ frame, x: left, depth: depth + 1, width, merged: small.length, total, totalBefore });
  }
  return levels;
}
