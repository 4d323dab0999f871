import { allocate, free, isFreed } from '@hotpath/memory';

import { describe } from '../describe.ts';
import { ArgumentRangeError, ArgumentTypeError, FreedVectorError } from '../errors.ts';
import { isInHeap } from '../kernels/operands.ts';
import type { Vector } from '../kernels/operands.ts';
import type { Call } from './call.ts';
import { blockOf, isVector, kernelBlocks, KERNELS, NUMBER_KERNELS } from './kernel-blocks.ts';
import type { KernelData, Operand } from './kernel-blocks.ts';
import type { ItemFunction, RangeInput } from './loop.ts';
import { indexItems, mapShared } from './shared-map.ts';
import { ownTask } from './task.ts';
import type { LoadedTask } from './task.ts';

/** A kernel's call, checked: all but the types and numbers, which the kernel itself checks. */
type KernelCall = Omit<KernelData, 'results'>;

/**
 * Estimated duration in one thread below which a kernel runs there. Waking a worker takes about 0.1 ms, and threads that share the
 * memory's bandwidth gain less than those that compute.
 */
const INLINE_BELOW_MS = 1;

/** Elements that are computed here while nothing is known of the cost: the slowest kernel takes 0.3 ms for them. */
const UNKNOWN_INLINE_COUNT: number = 1 << 18;

/** Fewer take no longer than what surrounds them: nothing is to be learnt from their duration. */
const LEARN_COUNT_MIN: number = 1 << 14;

const MODULE = new URL('./kernel-blocks.js', import.meta.url);
const NOTHING = new Uint8Array(0);
const tasks = new Map<string, LoadedTask>();

/** The task of a kernel over elements of a size, which has learnt what an element costs. */
export function kernelTask({ name, operands }: KernelCall): LoadedTask {
  const key = `${name} ${operands.find(isVector)?.BYTES_PER_ELEMENT}`;
  let task = tasks.get(key);
  if (task === undefined) {
    task = ownTask(MODULE, 'kernelBlocks', kernelBlocks as unknown as ItemFunction);
    tasks.set(key, task);
  }
  return task;
}

/**
 * Checks of a kernel's operands what the kernel would not: that all threads can reach them, and that ranges of them can be computed
 * in any order.
 *
 * @throws ArgumentTypeError, ArgumentRangeError, FreedVectorError.
 */
export function checkKernel(name: string, operands: readonly Operand[]): KernelCall {
  const kernel = KERNELS.get(name);
  if (kernel === undefined) {
    throw new ArgumentTypeError(
      `name: expected one of ${[...KERNELS.keys()].join(', ')}, got ${describe(name)}`,
    );
  }
  if (!Array.isArray(operands)) {
    throw new ArgumentTypeError(`operands: expected an array, got ${describe(operands)}`);
  }
  const isNumber = NUMBER_KERNELS.has(name);
  if (!isNumber && operands.length !== kernel.length) {
    throw new ArgumentTypeError(
      `operands: expected ${kernel.length} with the output as the last, got ${operands.length}`,
    );
  }
  const out = isNumber ? -1 : operands.length - 1;
  if (out >= 0 && isVector(operands[out] as Operand)) checkPlace(operands[out] as Vector, out);
  let count = -1;
  for (let i = 0; i < operands.length; i++) {
    const operand = operands[i] as Operand;
    if (!isVector(operand)) continue;
    if (i !== out) checkPlace(operand, i);
    if (count < 0) count = operand.length;
    const isEnough = i === out && name !== 'axpy' ? operand.length >= count : operand.length === count;
    if (!isEnough) {
      throw new ArgumentRangeError(`operands[${i}]: expected ${count} elements, got ${operand.length}`);
    }
    if (i !== out && out >= 0 && isVector(operands[out] as Operand)) {
      refuseOverlap(operand, operands[out] as Uint8Array, i, count);
    }
  }
  return { name, operands, count: Math.max(count, 0) };
}

function checkPlace(operand: Vector | Uint8Array, index: number): void {
  if (isFreed(operand)) throw new FreedVectorError(`operands[${index}]: the vector was freed`);
  if (isInHeap(operand)) return;
  throw new ArgumentTypeError(
    `operands[${index}]: expected a vector in the heap, which all threads see; take it with allocate or adopt`,
  );
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

/**
 * Runs a checked kernel, here where threads cannot win.
 *
 * @returns its number, if it gives one.
 * @throws what the kernel throws, and what {@link mapShared} throws.
 */
export function runKernel(call: Call, checked: KernelCall): number | undefined | Promise<number | undefined> {
  const { name, count } = checked;
  const block = blockOf(name, count);
  if (call.options.callerSliceMs === 0 || !isInline(call.task, count)) return share(call, checked, block);
  call.signal?.throwIfAborted();
  const blocks = Math.ceil(count / block);
  const result = runHere(call.task, checked, blocks);
  call.onProgress?.(blocks, blocks);
  return result;
}

async function share(call: Call, checked: KernelCall, block: number): Promise<number | undefined> {
  const { name, operands, count } = checked;
  const { task } = call;
  const blocks = Math.ceil(count / block);
  // Empty parts of the operands: the kernel looks at their types and numbers, and at nothing else.
  KERNELS.get(name)!(...operands.map((operand) => (isVector(operand) ? operand.subarray(0, 0) : operand)));
  const results = NUMBER_KERNELS.has(name) ? allocate('f64', blocks) : undefined;
  try {
    const range: RangeInput = { data: { ...checked, results }, length: blocks };
    const blockTask = task.withCost(task.msPerItem * block);
    await mapShared({ ...call, task: blockTask }, indexItems(blocks, range, NOTHING, 'range'));
    task.msPerItem = blockTask.msPerItem / block;
    return results && fold(checked, results);
  } finally {
    if (results !== undefined) free(results);
  }
}

function isInline({ msPerItem }: LoadedTask, count: number): boolean {
  return msPerItem === 0 ? count <= UNKNOWN_INLINE_COUNT : count * msPerItem < INLINE_BELOW_MS;
}

/** The whole call in this thread, whose duration is learnt from. */
function runHere(task: LoadedTask, checked: KernelCall, blocks: number): number | undefined {
  if (checked.count < LEARN_COUNT_MIN) return compute(checked, blocks);
  const started = performance.now();
  const result = compute(checked, blocks);
  task.remember(checked.count, performance.now() - started);
  return result;
}

function compute(checked: KernelCall, blocks: number): number | undefined {
  const kernel = KERNELS.get(checked.name)!;
  const isNumber = NUMBER_KERNELS.has(checked.name);
  if (isNumber && blocks > 1) {
    const results = new Float64Array(blocks);
    kernelBlocks(0, blocks, { ...checked, results });
    return fold(checked, results);
  }
  const result = kernel(...checked.operands);
  return isNumber ? (result as number) : undefined;
}

function fold({ name, operands }: KernelCall, results: Float64Array): number {
  const kernel = KERNELS.get(name)! as (numbers: Float64Array) => number;
  if (name === 'min' || name === 'max') return kernel(results);
  if (name === 'argmin' || name === 'argmax') {
    const values = Float64Array.from(results, (i) => (operands[0] as Float64Array)[i]!);
    return results[kernel(values)] ?? -1;
  }
  return results.reduce((total, part) => total + part, 0);
}
