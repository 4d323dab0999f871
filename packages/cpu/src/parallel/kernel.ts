import { allocate, free, isFreed } from '@hotpath/memory';

import { describe } from '../describe.ts';
import { ArgumentRangeError, ArgumentTypeError, FreedVectorError } from '../errors.ts';
import { isInHeap } from '../kernels/operands.ts';
import type { Vector } from '../kernels/operands.ts';
import { isVector, KERNEL_BLOCK, KERNELS } from './kernel-blocks.ts';
import type { KernelData, Operand } from './kernel-blocks.ts';
import { loadModuleTask } from './task.ts';
import type { LoadedTask } from './task.ts';

const REDUCTIONS = new Set([
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

const tasks = new Map<string, Promise<LoadedTask>>();

/** The task of a kernel: one for each, so that the cost of a block is learnt for each. */
export function kernelTask(name: string): Promise<LoadedTask> {
  let task = tasks.get(name);
  if (task === undefined) {
    task = loadModuleTask({ module: new URL('./kernel-blocks.js', import.meta.url), export: 'kernelBlocks' });
    tasks.set(name, task);
  }
  return task;
}

/**
 * Checks a kernel's operands as the kernel itself would, and that all threads can reach them.
 *
 * @throws ArgumentTypeError, ArgumentRangeError, FreedVectorError.
 */
export function checkKernel(name: string, operands: readonly Operand[]): Omit<KernelData, 'results'> {
  const kernel = KERNELS.get(name);
  if (kernel === undefined) {
    throw new ArgumentTypeError(
      `name: expected one of ${[...KERNELS.keys()].join(', ')}, got ${describe(name)}`,
    );
  }
  if (!Array.isArray(operands)) {
    throw new ArgumentTypeError(`operands: expected an array, got ${describe(operands)}`);
  }
  if (!REDUCTIONS.has(name) && operands.length !== kernel.length) {
    throw new ArgumentTypeError(
      `operands: expected ${kernel.length} with the output as the last, got ${operands.length}`,
    );
  }
  const views = operands.flatMap((operand, i) => (isVector(operand) ? [{ operand, i }] : []));
  for (const { operand, i } of views) {
    if (isFreed(operand)) throw new FreedVectorError(`operands[${i}]: the vector was freed`);
    if (!isInHeap(operand)) {
      throw new ArgumentTypeError(
        `operands[${i}]: expected a vector in the heap, which all threads see; take it with allocate or adopt`,
      );
    }
  }
  // Empty parts of the operands: the kernel looks at their types and numbers, and at nothing else.
  kernel(...operands.map((operand) => (isVector(operand) ? operand.subarray(0, 0) : operand)));
  const count = views[0]?.operand.length ?? 0;
  const out = REDUCTIONS.has(name) ? -1 : operands.length - 1;
  for (const { operand, i } of views) {
    const isEnough = i === out && name !== 'axpy' ? operand.length >= count : operand.length === count;
    if (!isEnough) {
      throw new ArgumentRangeError(`operands[${i}]: expected ${count} elements, got ${operand.length}`);
    }
    if (out >= 0 && i !== out) refuseOverlap(operand, operands[out] as Uint8Array, i, count);
  }
  return { name, operands, count };
}

/** Ranges are computed in any order: what one of them writes, no other may read. */
function refuseOverlap(input: Vector | Uint8Array, out: Uint8Array, index: number, count: number): void {
  const isSame = input.byteOffset === out.byteOffset && input.BYTES_PER_ELEMENT === out.BYTES_PER_ELEMENT;
  const isApart =
    input.byteOffset + input.byteLength <= out.byteOffset ||
    out.byteOffset + count * out.BYTES_PER_ELEMENT <= input.byteOffset;
  if (isSame || isApart) return;
  throw new ArgumentRangeError(
    `operands[${index}]: it overlaps the output and is not the same elements, which threads cannot do in any order`,
  );
}

/** Runs the kernel by `run`, which calls {@link kernelBlocks} for all blocks, and gives its number, if it gives one. */
export async function runKernel(
  checked: Omit<KernelData, 'results'>,
  run: (blocks: number, data: KernelData) => Promise<void>,
): Promise<number | undefined> {
  const blocks = Math.ceil(checked.count / KERNEL_BLOCK);
  if (!REDUCTIONS.has(checked.name)) {
    await run(blocks, { ...checked, results: undefined });
    return undefined;
  }
  const results = allocate('f64', blocks);
  try {
    await run(blocks, { ...checked, results });
    return fold(checked, results);
  } finally {
    free(results);
  }
}

function fold({ name, operands }: Omit<KernelData, 'results'>, results: Float64Array): number {
  const kernel = KERNELS.get(name)! as (numbers: Float64Array) => number;
  if (name === 'min' || name === 'max') return kernel(results);
  if (name === 'argmin' || name === 'argmax') {
    const values = Float64Array.from(results, (i) => (operands[0] as Float64Array)[i]!);
    return results[kernel(values)] ?? -1;
  }
  return results.reduce((total, part) => total + part, 0);
}
