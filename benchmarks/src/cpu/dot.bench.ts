/** C1: products of two vectors, from the length of a short embedding to a million, and of one query with many rows. */

import type { Case, CaseContext, Operation, Variant } from '../harness/case.ts';
import { inputs, kernelCase, numpySkip } from './kernel-case.ts';
import { seededFloats } from '../workloads/floats.ts';

function dotLoop(a: Float32Array, b: Float32Array): number {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += a[i]! * b[i]!;
  return total;
}

function dot(length: number): Case['variants'] {
  const operation = (run: () => number): Operation => ({ run, answer: run });
  return {
    naive: {
      kind: 'naive',
      setup(context) {
        const [a, b] = inputs(context, length);
        return operation(() => dotLoop(a, b));
      },
    },
    ours: {
      kind: 'ours',
      async setup(context) {
        const { dot } = await import('@hotpath/cpu');
        const { adopt } = await import('@hotpath/memory');
        const [a, b] = inputs(context, length).map((input) => adopt<'f32'>(input));
        return operation(() => dot(a!, b!));
      },
    },
    'numpy-ts': {
      kind: 'peer',
      skip: numpySkip,
      async setup(context) {
        const { numpyDot } = await import('./peers/numpy-ts.ts');
        return numpyDot(...inputs(context, length));
      },
    },
  };
}

const ROWS = 10_000;
const WIDTH = 128;

/** One query against the rows of a matrix. */
function rows(): Case['variants'] {
  const data = ({ seed }: CaseContext): [Float32Array<ArrayBuffer>, Float32Array<ArrayBuffer>] => [
    seededFloats(WIDTH, seed),
    seededFloats(ROWS * WIDTH, seed + 1),
  ];
  const operation = (out: Float32Array, run: () => void): Operation => ({
    run() {
      run();
      return out[0];
    },
    answer() {
      run();
      return [...out];
    },
  });
  return {
    naive: {
      kind: 'naive',
      setup(context) {
        const [query, matrix] = data(context);
        const out = new Float32Array(ROWS);
        return operation(out, () => {
          for (let r = 0; r < ROWS; r++) {
            let total = 0;
            for (let i = 0; i < WIDTH; i++) total += query[i]! * matrix[r * WIDTH + i]!;
            out[r] = total;
          }
        });
      },
    },
    ours: {
      kind: 'ours',
      async setup(context) {
        const { dotRows } = await import('@hotpath/cpu/kernels');
        const { adopt, allocate } = await import('@hotpath/memory');
        const [query, matrix] = data(context).map((values) => adopt<'f32'>(values));
        const out = allocate('f32', ROWS);
        return operation(out, () => void dotRows(query!, matrix!, out));
      },
    },
    simsimd: {
      kind: 'peer',
      async setup(context) {
        const { simsimdRows } = await import('./peers/simsimd.ts');
        return simsimdRows(...data(context));
      },
    },
  };
}

/** `dot`, with the peers that a size is to be compared with. */
function dotWith(
  length: number,
  ...names: readonly ('numpy-ts' | 'simsimd' | '@stdlib/blas')[]
): Case['variants'] {
  const { naive, ours, 'numpy-ts': numpy } = dot(length);
  const simsimd: Variant = {
    kind: 'peer',
    async setup(context) {
      const { simsimdDot } = await import('./peers/simsimd.ts');
      return simsimdDot(...inputs(context, length));
    },
  };
  const stdlib: Variant = {
    kind: 'peer',
    async setup(context) {
      const { stdlibDot } = await import('./peers/stdlib-blas.ts');
      return await stdlibDot(...inputs(context, length));
    },
  };
  const peers = { 'numpy-ts': numpy!, simsimd, '@stdlib/blas': stdlib };
  return { naive: naive!, ours: ours!, ...Object.fromEntries(names.map((name) => [name, peers[name]])) };
}

// Ours accumulates in f32, the naive loop in f64; @stdlib in one f32.
const cases: readonly Case[] = [
  kernelCase('dot 64', 64, 1e-5, dotWith(64, 'simsimd')),
  kernelCase('dot 1024', 1024, 1e-5, dotWith(1024, 'simsimd')),
  kernelCase('dot 1e4', 10_000, 1e-3, dotWith(10_000)),
  kernelCase('dot 1e5', 100_000, 1e-3, dotWith(100_000, 'numpy-ts', '@stdlib/blas')),
  kernelCase('dot 1e6', 1_000_000, 1e-4, dotWith(1_000_000, 'simsimd')),
  kernelCase('rows 10,000 × 128', ROWS, 1e-5, rows()),
];

export default cases;
