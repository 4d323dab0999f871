import type { CallNode } from '../flame/call-node.ts';

/** A function with all its calls in a profile, wherever it was called from. */
export interface CpuFunction {
  /** Empty for a function without a name. */
  readonly name: string;
  readonly url: string;
  /** Line and column of its first character, from 1; 0 for V8's own. */
  readonly line: number;
  readonly column: number;
  /** Time in the function itself. */
  readonly selfMs: number;
  /** Time in it and in what it called; a call of itself is not counted twice. */
  readonly totalMs: number;
  /** `selfMs` as a share of all time that was not idle, 0 to 1. */
  readonly selfShare: number;
}

interface Sum {
  readonly node: CallNode;
  selfMs: number;
  totalMs: number;
  /** Calls of it that are open where the walk stands. */
  open: number;
}

const keyOf = ({ name, url, line, column }: CallNode): string => `${name}\0${url}\0${line}\0${column}`;

/**
 * The functions that take most time themselves, most first; equal ones by total, then by name and place, so that the
 * order is the same every time. Pure; in time and memory of the tree's size, however deep.
 */
export function topFunctions(root: CallNode, count: number): CpuFunction[] {
  const sums = new Map<string, Sum>();
  const open: (CallNode | Sum)[] = [...root.children];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if ('open' in next) {
      next.open--;
      continue;
    }
    const key = keyOf(next);
    let sum = sums.get(key);
    if (sum === undefined) {
      sum = { node: next, selfMs: 0, totalMs: 0, open: 0 };
      sums.set(key, sum);
    }
    sum.selfMs += next.self;
    if (sum.open === 0) sum.totalMs += next.total;
    sum.open++;
    // The sum itself marks the place where all below the node has been walked.
    open.push(sum);
    for (const child of next.children) open.push(child);
  }
  return [...sums.values()]
    .sort((a, b) => b.selfMs - a.selfMs || b.totalMs - a.totalMs || (keyOf(a.node) < keyOf(b.node) ? -1 : 1))
    .slice(0, count)
    .map(({ node: { name, url, line, column }, selfMs, totalMs }) => ({
      name,
      url,
      line,
      column,
      selfMs,
      totalMs,
      selfShare: root.total === 0 ? 0 : selfMs / root.total,
    }));
}
