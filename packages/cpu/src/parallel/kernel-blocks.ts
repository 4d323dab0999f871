import {
  abs,
  add,
  argmax,
  argmin,
  axpy,
  clamp,
  compare,
  convert,
  countPositive,
  countWhere,
  div,
  dot,
  fma,
  max,
  maximum,
  min,
  minimum,
  mul,
  neg,
  scale,
  select,
  sign,
  sqrt,
  squaredDistance,
  sub,
  sum,
} from '../kernels/index.ts';
import type { Comparison, FloatVector, Vector } from '../kernels/index.ts';

/**
 * The kernels that `parallel.kernel` runs in all threads, with their operands: as the functions of `@hotpath/cpu/kernels`, where `out`
 * must be given. All vectors lie in the heap.
 */
export interface ParallelKernels {
  readonly add: readonly [a: Vector, b: Vector, out: Vector];
  readonly sub: readonly [a: Vector, b: Vector, out: Vector];
  readonly mul: readonly [a: Vector, b: Vector, out: Vector];
  readonly div: readonly [a: Vector, b: Vector, out: Vector];
  readonly minimum: readonly [a: Vector, b: Vector, out: Vector];
  readonly maximum: readonly [a: Vector, b: Vector, out: Vector];
  readonly fma: readonly [a: Vector, b: Vector, c: Vector, out: Vector];
  readonly axpy: readonly [alpha: number, x: Vector, y: Vector];
  readonly scale: readonly [a: Vector, alpha: number, out: Vector];
  readonly abs: readonly [a: Vector, out: Vector];
  readonly neg: readonly [a: Vector, out: Vector];
  readonly sqrt: readonly [a: FloatVector, out: FloatVector];
  readonly sign: readonly [a: Vector, out: Vector];
  readonly clamp: readonly [a: Vector, low: number, high: number, out: Vector];
  readonly compare: readonly [a: Vector, comparison: Comparison, b: Vector | number, out: Uint8Array];
  readonly select: readonly [mask: Uint8Array, a: Vector, b: Vector, out: Vector];
  readonly convert: readonly [a: Vector, out: Vector];
  readonly sum: readonly [a: Vector];
  readonly dot: readonly [a: Vector, b: Vector];
  readonly squaredDistance: readonly [a: Vector, b: Vector];
  readonly min: readonly [a: Vector];
  readonly max: readonly [a: Vector];
  readonly argmin: readonly [a: Vector];
  readonly argmax: readonly [a: Vector];
  readonly countPositive: readonly [a: Vector];
  readonly countWhere: readonly [a: Vector, comparison: Comparison, value: number];
}

/** The names of those that give a number; the others write to their last operand. */
export type NumberKernel =
  | 'sum'
  | 'dot'
  | 'squaredDistance'
  | 'min'
  | 'max'
  | 'argmin'
  | 'argmax'
  | 'countPositive'
  | 'countWhere';

export type Operand = Vector | Uint8Array | number | string;

type Kernel = (...operands: Operand[]) => unknown;

export function isVector(operand: Operand): operand is Vector | Uint8Array {
  return ArrayBuffer.isView(operand) && !((operand as ArrayBufferView) instanceof DataView);
}

/** The kernels by name. */
export const KERNELS: ReadonlyMap<string, Kernel> = new Map(
  Object.entries({
    add,
    sub,
    mul,
    div,
    minimum,
    maximum,
    fma,
    axpy,
    scale,
    abs,
    neg,
    sqrt,
    sign,
    clamp,
    compare,
    select,
    convert,
    sum,
    dot,
    squaredDistance,
    min,
    max,
    argmin,
    argmax,
    countPositive,
    countWhere,
  }) as unknown as [string, Kernel][],
);

/** Elements of a block. Results of reductions are those of blocks, folded in their order, whatever thread computed them. */
export const KERNEL_BLOCK: number = 1 << 16;

/** What the threads of a kernel call share. */
export interface KernelData {
  readonly name: string;
  readonly operands: readonly Operand[];
  /** Elements. */
  readonly count: number;
  /** A number a block; `undefined` where the kernel writes to its last operand. */
  readonly results: Float64Array | undefined;
}

/** Runs a kernel over blocks `start` to `end`. */
export function kernelBlocks(
  start: number,
  end: number,
  { name, operands, count, results }: KernelData,
): void {
  const kernel = KERNELS.get(name)!;
  const part = (from: number, to: number): Operand[] =>
    operands.map((operand) => (isVector(operand) ? operand.subarray(from, to) : operand));
  if (results === undefined) {
    kernel(...part(start * KERNEL_BLOCK, Math.min(end * KERNEL_BLOCK, count)));
    return;
  }
  const isPlace = name === 'argmin' || name === 'argmax';
  for (let b = start; b < end; b++) {
    const from = b * KERNEL_BLOCK;
    const result = kernel(...part(from, Math.min(from + KERNEL_BLOCK, count))) as number;
    results[b] = isPlace ? from + result : result;
  }
}
