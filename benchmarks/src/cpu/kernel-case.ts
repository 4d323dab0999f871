/** What the case files of kernels share. */

import type { Case, CaseContext } from '../harness/case.ts';
import { seededFloats } from '../workloads/floats.ts';

/** A case of C1 over f32 that only meets peers. */
export function kernelCase(
  name: string,
  length: number,
  tolerance: number,
  variants: Case['variants'],
): Case {
  return {
    id: 'C1',
    case: name,
    package: 'cpu',
    tier: 'peers',
    params: { length, type: 'f32' },
    guide: null,
    async: false,
    tolerance,
    variants,
  };
}

/** Two vectors from 0 to 1. */
export function inputs(
  context: CaseContext,
  length: number,
): [Float32Array<ArrayBuffer>, Float32Array<ArrayBuffer>] {
  return [seededFloats(length, context.seed), seededFloats(length, context.seed + 1)];
}

export function numpySkip(): string | undefined {
  const major = Number(process.versions.node.split('.')[0]);
  return major < 22 ? `numpy-ts asks for Node 22 or newer, this is ${process.versions.node}` : undefined;
}
