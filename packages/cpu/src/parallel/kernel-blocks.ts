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

/** The kernels that give a number. */
export const NUMBER_KERNELS: ReadonlySet<string> = new Set<NumberKernel>([
  'sum',
  'dot',
  'squaredDistance',
  'min',
  'max',
  'argmin',
  'argmax',
  'countPositive',
  'countWhere',
]);

/** Elements of a block of a kernel that writes: 2 to 20 µs, so that no thread waits long for the last block of another. */
const WRITE_BLOCK: number = 1 << 14;

/** Up to so many elements one thread is as good as several where a number is all that is written: 40 to 200 µs. */
const NUMBER_SINGLE_MAX: number = 1 << 20;

/** Blocks of more: several for each thread. */
const NUMBER_BLOCKS = 64;

/** A block costs 0.3 to 1.5 µs besides its elements, which are 5 % of the shortest blocks of the fastest kernel. */
const NUMBER_BLOCK_MIN: number = 1 << 18;

/** A cache line of the smallest elements: parts begin where a line does when the whole does. */
const LINE = 16;

/**
 * Elements of a block. A number is folded from those of the blocks in their order, whatever thread computed them: that its blocks
 * depend on `count` alone makes it the same at any number of threads.
 */
export function blockOf(name: string, count: number): number {
  if (!NUMBER_KERNELS.has(name)) return WRITE_BLOCK;
  if (count <= NUMBER_SINGLE_MAX) return NUMBER_SINGLE_MAX;
  return Math.max(NUMBER_BLOCK_MIN, Math.ceil(count / NUMBER_BLOCKS / LINE) * LINE);
}

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
  const block = blockOf(name, count);
  if (results === undefined) {
    kernel(...partsOf(operands, start * block, Math.min(end * block, count)));
    return;
  }
  const isPlace = name === 'argmin' || name === 'argmax';
  for (let b = start; b < end; b++) {
    const from = b * block;
    const result = kernel(...partsOf(operands, from, Math.min(from + block, count))) as number;
    results[b] = isPlace ? from + result : result;
  }
}

function partsOf(operands: readonly Operand[], from: number, to: number): Operand[] {
  const parts: Operand[] = [];
  for (const operand of operands) parts.push(isVector(operand) ? operand.subarray(from, to) : operand);
  return parts;
}
