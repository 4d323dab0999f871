import type { Operation } from '../../harness/case.ts';

interface Blas {
  readonly sdot: (n: number, x: Float32Array, strideX: number, y: Float32Array, strideY: number) => number;
  readonly ssum: (n: number, x: Float32Array, strideX: number) => number;
}

async function load(): Promise<Blas> {
  const { default: blas } = (await import('@stdlib/blas')) as unknown as {
    default: { base: { sdot: Blas['sdot'] }; ext: { base: { ssum: Blas['ssum'] } } };
  };
  return { sdot: blas.base.sdot, ssum: blas.ext.base.ssum };
}

export async function stdlibDot(a: Float32Array, b: Float32Array): Promise<Operation> {
  const { sdot } = await load();
  const run = (): number => sdot(a.length, a, 1, b, 1);
  return { run, answer: run };
}

export async function stdlibSum(a: Float32Array): Promise<Operation> {
  const { ssum } = await load();
  const run = (): number => ssum(a.length, a, 1);
  return { run, answer: run };
}
