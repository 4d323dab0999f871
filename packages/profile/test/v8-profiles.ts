import type { V8CpuProfile, V8ProfileNode } from '@hotpath/profile';

/** A node with an id of its own; `at` names file, line and column as V8 counts them. */
export function node(
  id: number,
  functionName: string,
  children: readonly number[] = [],
  at: readonly [url: string, line: number, column: number] = ['file:///app/main.js', id, 0],
): V8ProfileNode {
  const [url, lineNumber, columnNumber] = functionName.startsWith('(') ? ['', -1, -1] : at;
  return { id, callFrame: { functionName, scriptId: '0', url, lineNumber, columnNumber }, children };
}

/** A profile with a sample every `stepUs`, as one of a real program would be. */
export function profileOf(
  nodes: readonly V8ProfileNode[],
  samples: readonly number[],
  stepUs = 1000,
): V8CpuProfile {
  return {
    nodes,
    samples,
    timeDeltas: samples.map((_, at) => (at === 0 ? 0 : stepUs)),
    startTime: 5_000_000,
    endTime: 5_000_000 + samples.length * stepUs,
  };
}

/** `depth` calls of one function within each other. */
export function deepProfile(depth: number): V8CpuProfile {
  const place = ['file:///app/deep.js', 1, 1] as const;
  const nodes = [node(1, '(root)', [2])];
  for (let id = 2; id <= depth + 1; id++) nodes.push(node(id, 'again', id > depth ? [] : [id + 1], place));
  return profileOf(nodes, [depth + 1, 2, depth + 1]);
}
