import type { Operation } from '../../harness/case.ts';

/** The part in use. The package's own types name their files without extensions, which Node's resolution refuses. */
interface NumpyTs {
  array(values: Float32Array, dtype: 'float32'): NumpyArray;
  add(a: NumpyArray, b: NumpyArray): NumpyArray;
  multiply(a: NumpyArray, factor: number): NumpyArray;
  dot(a: NumpyArray, b: NumpyArray): number;
  sum(a: NumpyArray): number;
  argmax(a: NumpyArray): number;
  cumsum(a: NumpyArray): NumpyArray;
}

interface NumpyArray {
  readonly data: Float32Array;
  readonly dtype: string;
  dispose(): void;
}

async function load(...inputs: Float32Array[]): Promise<{ np: NumpyTs; arrays: NumpyArray[] }> {
  const np = (await import('numpy-ts')) as unknown as NumpyTs;
  return { np, arrays: inputs.map((input) => np.array(input, 'float32')) };
}

/** Its `add` has no output argument: each result is a new array, freed at once as its documentation advises. */
export async function numpyAdd(a: Float32Array, b: Float32Array): Promise<Operation> {
  const { np, arrays } = await load(a, b);
  const sum = (): NumpyArray => np.add(arrays[0]!, arrays[1]!);
  return {
    run() {
      const result = sum();
      const first = result.data[0];
      result.dispose();
      return first;
    },
    answer: () => [...sum().data],
  };
}

export async function numpyDot(a: Float32Array, b: Float32Array): Promise<Operation> {
  const { np, arrays } = await load(a, b);
  const run = (): number => np.dot(arrays[0]!, arrays[1]!);
  return { run, answer: run };
}

/** It has no axpy: a product and a sum, both new arrays. */
export async function numpyAxpy(alpha: number, x: Float32Array, y: Float32Array): Promise<Operation> {
  const { np, arrays } = await load(x, y);
  const axpy = (): NumpyArray => {
    const product = np.multiply(arrays[0]!, alpha);
    const result = np.add(product, arrays[1]!);
    product.dispose();
    return result;
  };
  return {
    run() {
      const result = axpy();
      const first = result.data[0];
      result.dispose();
      return first;
    },
    answer: () => [...axpy().data],
  };
}

export async function numpySum(a: Float32Array): Promise<Operation> {
  const { np, arrays } = await load(a);
  const run = (): number => np.sum(arrays[0]!);
  return { run, answer: run };
}

export async function numpyArgmax(a: Float32Array): Promise<Operation> {
  const { np, arrays } = await load(a);
  const run = (): number => np.argmax(arrays[0]!);
  return { run, answer: run };
}

export async function numpyCumsum(a: Float32Array): Promise<Operation> {
  const { np, arrays } = await load(a);
  return {
    run() {
      const result = np.cumsum(arrays[0]!);
      const last = result.data[a.length - 1];
      result.dispose();
      return last;
    },
    answer: () => [...np.cumsum(arrays[0]!).data],
  };
}
