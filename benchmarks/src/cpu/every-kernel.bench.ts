/**
 * C1: every kernel in every element type over 10,000 elements, against the plain loop. For looking things up: the cases that the
 * guide and the peers are about have files of their own.
 */

import type { Case, CaseContext, Operation } from '../harness/case.ts';
import { type Kernels, type KernelRow, KERNEL_ROWS } from './every-kernel/table.ts';
import { type Kind, LENGTH, type Place, type Vectors, WIDTH, makeVectors } from './every-kernel/vectors.ts';

/** f32 is accumulated in f32 by ours and in f64 by the loops; cosine distances are small differences of 1 and something near it. */
const TOLERANCE = 1e-4;

function answerOf({ gives }: KernelRow, v: Vectors, result: unknown): unknown {
  if (gives === 'number') return result;
  if (gives === 'kept') return [result, ...v.out.subarray(0, result as number)];
  const given = v[gives];
  const views = ArrayBuffer.isView(given) ? [given] : Object.values(given);
  return views.map((view) => [...view]);
}

function operation(row: KernelRow, v: Vectors, run: () => unknown): Operation {
  return {
    run,
    answer() {
      v.reset();
      return answerOf(row, v, run());
    },
  };
}

function kernelCase(row: KernelRow, kind: Kind | 'u8'): Case {
  const vectors = ({ seed }: CaseContext, place: Place): Vectors =>
    makeVectors(kind === 'u8' ? 'f32' : kind, seed, place);
  return {
    id: 'C1',
    case: `${row.name} ${kind}`,
    package: 'cpu',
    tier: 'all',
    params: { length: LENGTH, type: kind, ...(row.name.endsWith('Rows') ? { width: WIDTH } : {}) },
    guide: null,
    async: false,
    tolerance: TOLERANCE,
    share: 0.25,
    variants: {
      naive: {
        kind: 'naive',
        setup(context) {
          const v = vectors(context, (array) => array);
          return operation(row, v, () => row.naive(v));
        },
      },
      ours: {
        kind: 'ours',
        async setup(context) {
          const kernels: Kernels = await import('@hotpath/cpu/kernels');
          const { adopt } = await import('@hotpath/memory');
          const v = vectors(context, (array) => adopt(array) as never);
          return operation(row, v, () => row.ours(kernels, v));
        },
      },
    },
  };
}

const cases: readonly Case[] = KERNEL_ROWS.flatMap((row) => row.kinds.map((kind) => kernelCase(row, kind)));

export default cases;
