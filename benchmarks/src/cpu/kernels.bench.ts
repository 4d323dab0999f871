/**
 * C1: kernels over f32 vectors. The naive variants are the loops that one writes over ordinary Float32Arrays; ours work
 * on vectors in the heap, where their users keep them, so nothing is copied in any variant.
 */

import type { Case, CaseContext, Operation } from '../harness/case.ts';
import { seededFloats } from '../workloads/floats.ts';

const ALPHA = 0.75;

function addLoop(a: Float32Array, b: Float32Array, out: Float32Array): void {
  for (let i = 0; i < a.length; i++) out[i] = a[i]! + b[i]!;
}

function dotLoop(a: Float32Array, b: Float32Array): number {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += a[i]! * b[i]!;
  return total;
}

function axpyLoop(alpha: number, x: Float32Array, y: Float32Array): void {
  for (let i = 0; i < y.length; i++) y[i] = y[i]! + alpha * x[i]!;
}

function inputs(
  context: CaseContext,
  length: number,
): [Float32Array<ArrayBuffer>, Float32Array<ArrayBuffer>] {
  return [seededFloats(length, context.seed), seededFloats(length, context.seed + 1)];
}

function add(length: number): Case['variants'] {
  return {
    naive: {
      kind: 'naive',
      setup(context) {
        const [a, b] = inputs(context, length);
        return binary(
          () => new Float32Array(length),
          (out) => addLoop(a, b, out),
        );
      },
    },
    ours: {
      kind: 'ours',
      async setup(context) {
        const { add } = await import('@hotpath/cpu');
        const { adopt, allocate } = await import('@hotpath/memory');
        const [a, b] = inputs(context, length).map((input) => adopt<'f32'>(input));
        return binary(
          () => allocate('f32', length),
          (out) => add(a!, b!, out),
        );
      },
    },
    'numpy-ts': {
      kind: 'peer',
      skip: numpySkip,
      async setup(context) {
        const { numpyAdd } = await import('./peers/numpy-ts.ts');
        return numpyAdd(...inputs(context, length));
      },
    },
  };
}

/** Writes into one output again and again. */
function binary(make: () => Float32Array, write: (out: Float32Array) => void): Operation {
  const out = make();
  return {
    run() {
      write(out);
      return out[0];
    },
    answer() {
      write(out);
      return [...out];
    },
  };
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

function axpy(length: number): Case['variants'] {
  /** `y` drifts from run to run and stays finite: `x` is at most 1, and alpha changes sign each time. */
  const operation = (y: Float32Array, start: Float32Array, step: (alpha: number) => void): Operation => {
    let alpha = ALPHA;
    return {
      run() {
        step(alpha);
        alpha = -alpha;
        return y[0];
      },
      answer() {
        y.set(start);
        step(ALPHA);
        return [...y];
      },
    };
  };
  return {
    naive: {
      kind: 'naive',
      setup(context) {
        const [x, start] = inputs(context, length);
        const y = start.slice();
        return operation(y, start, (alpha) => axpyLoop(alpha, x, y));
      },
    },
    ours: {
      kind: 'ours',
      async setup(context) {
        const { axpy } = await import('@hotpath/cpu');
        const { adopt } = await import('@hotpath/memory');
        const [input, start] = inputs(context, length);
        const x = adopt<'f32'>(input);
        const y = adopt<'f32'>(start);
        return operation(y, start, (alpha) => axpy(alpha, x, y));
      },
    },
    'numpy-ts': {
      kind: 'peer',
      skip: numpySkip,
      async setup(context) {
        const { numpyAxpy } = await import('./peers/numpy-ts.ts');
        return numpyAxpy(ALPHA, ...inputs(context, length));
      },
    },
  };
}

function numpySkip(): string | undefined {
  const major = Number(process.versions.node.split('.')[0]);
  return major < 22 ? `numpy-ts asks for Node 22 or newer, this is ${process.versions.node}` : undefined;
}

function kernelCase(name: string, length: number, tolerance: number, variants: Case['variants']): Case {
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

const cases: readonly Case[] = [
  {
    ...kernelCase('1000 f32', 1000, 0, add(1000)),
    tier: 'guide',
    guide: { text: '250 ns → 65 ns (3.8×)', ratio: 3.8, basis: 'ratio' },
  },
  kernelCase('add 1e5', 100_000, 0, add(100_000)),
  // Ours accumulates in f32, the naive loop in f64.
  kernelCase('dot 1024', 1024, 1e-5, dot(1024)),
  // Ours rounds the product to f32, the naive loop does not.
  kernelCase('axpy 1e4', 10_000, 1e-6, axpy(10_000)),
];

export default cases;
