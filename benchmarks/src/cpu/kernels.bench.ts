/**
 * C1: kernels over f32 vectors. The naive variants are the loops that one writes over ordinary Float32Arrays; ours work
 * on vectors in the heap, where their users keep them, so nothing is copied in any variant.
 */

import type * as Kernels_ from '@hotpath/cpu/kernels';

import type { Case, Operation, Variant } from '../harness/case.ts';
import { inputs, kernelCase, numpySkip } from './kernel-case.ts';
import { seededFloats } from '../workloads/floats.ts';

type Kernels = typeof Kernels_;

const ALPHA = 0.75;

function addLoop(a: Float32Array, b: Float32Array, out: Float32Array): void {
  for (let i = 0; i < a.length; i++) out[i] = a[i]! + b[i]!;
}

function axpyLoop(alpha: number, x: Float32Array, y: Float32Array): void {
  for (let i = 0; i < y.length; i++) y[i] = y[i]! + alpha * x[i]!;
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

/** A kernel that reads one vector: the plain loop, ours, and peers that take the same values. */
function unary(
  length: number,
  naive: (a: Float32Array, out: Float32Array) => number,
  ours: (kernels: Kernels, a: Float32Array, out: Float32Array) => number,
  isVector: boolean,
  peers: Readonly<Record<string, (a: Float32Array) => Promise<Operation>>> = {},
): Case['variants'] {
  const operation = (run: () => number, out: Float32Array): Operation => ({
    run,
    answer() {
      const result = run();
      return isVector ? [...out] : result;
    },
  });
  return {
    naive: {
      kind: 'naive',
      setup({ seed }) {
        const a = seededFloats(length, seed);
        const out = new Float32Array(length);
        return operation(() => naive(a, out), out);
      },
    },
    ours: {
      kind: 'ours',
      async setup({ seed }) {
        const kernels = await import('@hotpath/cpu/kernels');
        const { adopt, allocate } = await import('@hotpath/memory');
        const a = adopt<'f32'>(seededFloats(length, seed));
        const out = allocate('f32', length);
        return operation(() => ours(kernels, a, out), out);
      },
    },
    ...Object.fromEntries(
      Object.entries(peers).map(([name, open]): [string, Variant] => [
        name,
        {
          kind: 'peer',
          ...(name === 'numpy-ts' ? { skip: numpySkip } : {}),
          setup: ({ seed }) => open(seededFloats(length, seed)),
        },
      ]),
    ),
  };
}

const scaleOf = (length: number): Case['variants'] =>
  unary(
    length,
    (a, out) => {
      for (let i = 0; i < a.length; i++) out[i] = a[i]! * ALPHA;
      return out[0]!;
    },
    (kernels, a, out) => kernels.scale(a, ALPHA, out)[0]!,
    true,
  );

const sumOf = (length: number): Case['variants'] =>
  unary(
    length,
    (a) => {
      let total = 0;
      for (let i = 0; i < a.length; i++) total += a[i]!;
      return total;
    },
    (kernels, a) => kernels.sum(a),
    false,
    length < 100_000
      ? {}
      : {
          'numpy-ts': async (a) => await (await import('./peers/numpy-ts.ts')).numpySum(a),
          '@stdlib/blas': async (a) => await (await import('./peers/stdlib-blas.ts')).stdlibSum(a),
        },
  );

const maxOf = (length: number): Case['variants'] =>
  unary(
    length,
    (a) => {
      let greatest = -Infinity;
      for (let i = 0; i < a.length; i++) if (a[i]! > greatest) greatest = a[i]!;
      return greatest;
    },
    (kernels, a) => kernels.max(a),
    false,
  );

const argmaxOf = (length: number): Case['variants'] =>
  unary(
    length,
    (a) => {
      let at = 0;
      for (let i = 1; i < a.length; i++) if (a[i]! > a[at]!) at = i;
      return at;
    },
    (kernels, a) => kernels.argmax(a),
    false,
    length < 100_000
      ? {}
      : { 'numpy-ts': async (a) => await (await import('./peers/numpy-ts.ts')).numpyArgmax(a) },
  );

const prefixOf = (length: number): Case['variants'] =>
  unary(
    length,
    (a, out) => {
      let total = 0;
      for (let i = 0; i < a.length; i++) {
        total += a[i]!;
        out[i] = total;
      }
      return total;
    },
    (kernels, a, out) => kernels.prefixSum(a, out)[length - 1]!,
    true,
    { 'numpy-ts': async (a) => await (await import('./peers/numpy-ts.ts')).numpyCumsum(a) },
  );

/** Counts of byte values; the bytes are the low ones of the same floats. */
function histogramOf(length: number): Case['variants'] {
  const bytes = (seed: number): Uint8Array<ArrayBuffer> =>
    Uint8Array.from(seededFloats(length, seed), (value) => value * 256);
  const operation = (bins: Int32Array, run: () => void): Operation => {
    const counted = (): number => {
      bins.fill(0);
      run();
      return bins[0]!;
    };
    return {
      run: counted,
      answer() {
        counted();
        return [...bins];
      },
    };
  };
  return {
    naive: {
      kind: 'naive',
      setup({ seed }) {
        const values = bytes(seed);
        const bins = new Int32Array(256);
        return operation(bins, () => {
          for (let i = 0; i < values.length; i++) bins[values[i]!] = bins[values[i]!]! + 1;
        });
      },
    },
    ours: {
      kind: 'ours',
      async setup({ seed }) {
        const { byteHistogram } = await import('@hotpath/cpu/kernels');
        const { adopt, allocate } = await import('@hotpath/memory');
        const values = adopt<'u8'>(bytes(seed));
        const bins = allocate('i32', 256);
        return operation(bins, () => void byteHistogram(values, bins));
      },
    },
  };
}

function withoutPeers({ naive, ours }: Case['variants']): Case['variants'] {
  return { naive: naive!, ours: ours! };
}

const cases: readonly Case[] = [
  {
    ...kernelCase('1000 f32', 1000, 0, add(1000)),
    tier: 'guide',
    guide: { text: '250 ns → 65 ns (3.8×)', ratio: 3.8, basis: 'ratio' },
  },
  ...[10_000, 100_000].flatMap((length) => {
    const size = length === 10_000 ? '1e4' : '1e5';
    const only = length === 10_000 ? withoutPeers : (variants: Case['variants']) => variants;
    return [
      kernelCase(`add ${size}`, length, 0, only(add(length))),
      // Ours rounds the product to f32, the naive loop does not.
      kernelCase(`axpy ${size}`, length, 1e-6, withoutPeers(axpy(length))),
      kernelCase(`scale ${size}`, length, 0, scaleOf(length)),
      // Ours accumulates in f32, the naive loop in f64; so do prefix sums.
      kernelCase(`sum ${size}`, length, 1e-3, sumOf(length)),
      kernelCase(`max ${size}`, length, 0, maxOf(length)),
      kernelCase(`argmax ${size}`, length, 0, argmaxOf(length)),
    ];
  }),
  kernelCase('prefix 1e5', 100_000, 1e-3, prefixOf(100_000)),
  kernelCase('histogram 1e5', 100_000, 0, histogramOf(100_000)),
];

export default cases;
