import { ArgumentTypeError, ItemCloneError, TaskResultError } from '../errors.ts';
import { locate } from '../kernels/operands.ts';
import { checkCount, checkInput, makeLike, takeLike } from './arrays.ts';
import type { NumericArray } from './arrays.ts';
import type { Call } from './call.ts';
import { isCloneable, mapClones } from './clone-map.ts';
import { errorOfThrown } from './failure.ts';
import type { Position, SortKind } from './loop.ts';
import { inTurns } from './own-work.ts';
import { pack, unpackInto } from './pack.ts';
import { indexItems, mapShared } from './shared-map.ts';
import { afterOf, ascending, ORDER_RUN } from './sort-loop.ts';
import type { MergeInput, SortInput } from './sort-loop.ts';
import { ownTask } from './task.ts';
import type { LoadedTask } from './task.ts';

/** The order without a comparator, as a task: its function is known in every thread, and marks the order. */
export const ASCENDING: LoadedTask = ownTask(
  new URL('./sort-loop.js', import.meta.url),
  'ascending',
  ascending,
);

/**
 * How a sort is cut. A run is what one thread sorts by itself, in a few milliseconds at most, so that the calling thread's event
 * loop turns in between; the rest is merging.
 */
interface Cut {
  readonly run: number;
  /** Elements that one item of a merge writes; divides `run`. */
  readonly block: number;
  /** About what a comparison costs, in milliseconds: 4 ns inside the engine, 40 through a function of the caller's. */
  readonly comparisonMs: number;
}

const PLAIN_ORDER: Cut = { run: 1 << 16, block: 1 << 13, comparisonMs: 4e-6 };
const COMPARED: Cut = { run: ORDER_RUN, block: ORDER_RUN, comparisonMs: 4e-5 };

const NOTHING = new Uint8Array(0);

/**
 * Sorts a typed array: a copy is cut into runs, each sorted by the engine; then pairs of neighbouring runs are merged, back and
 * forth between two copies, every pass by all threads. The array itself is written last, so a failure leaves it as it was.
 */
export async function sortTyped(call: Call, array: NumericArray): Promise<void> {
  checkInput('array', array);
  call.signal?.throwIfAborted();
  const { length } = array;
  const { options } = call;
  const cut = call.task === ASCENDING ? PLAIN_ORDER : COMPARED;
  if (options.callerSliceMs > 0 && length <= cut.run) {
    runHere(call, { array, run: cut.run, length: 1 } satisfies SortInput, [], 'sort');
    call.onProgress?.(length, length);
    return;
  }
  const copies: ReturnType<typeof takeLike>[] = [];
  const take = (): NumericArray => {
    if (options.workerCount === 0) return makeLike(array, length);
    const copy = takeLike(array, length);
    copies.push(copy);
    return copy.view;
  };
  try {
    let from = take();
    let to = take();
    from.set(array as never);
    const passes = Math.ceil(Math.log2(Math.max(length / cut.run, 1))) + 1;
    let pass = 0;
    const step = async (
      kind: SortKind,
      count: number,
      input: SortInput | MergeInput,
      comparisons: number,
    ) => {
      const task = call.task.withCost(comparisons * cut.comparisonMs);
      await mapShared(
        { ...call, task, grain: 0, onProgress: undefined },
        indexItems(count, input, NOTHING, kind),
      );
      call.onProgress?.(Math.floor((length * ++pass) / passes), length);
    };
    const runs = Math.ceil(length / cut.run);
    await step('sort', runs, { array: from, run: cut.run, length: runs }, cut.run * Math.log2(cut.run));
    const blocks = Math.ceil(length / cut.block);
    for (let width = cut.run; width < length; width *= 2) {
      const cuts = new Int32Array(new SharedArrayBuffer(blocks * 8));
      await step(
        'merge',
        blocks,
        { array: from, to, width, block: cut.block, cuts, length: blocks },
        cut.block,
      );
      checkCuts(cuts, width / cut.block);
      [from, to] = [to, from];
    }
    // Others would be written to where it was freed meanwhile.
    locate('array', array);
    array.set(from as never);
  } finally {
    for (const copy of copies) copy.free();
  }
}

/** Every block must begin in the left run where the one before it ended, and the first of a pair at its beginning. */
function checkCuts(cuts: Int32Array, blocksPerRun: number): void {
  for (let b = 0; 2 * b < cuts.length; b++) {
    const expected = b % (2 * blocksPerRun) === 0 ? 0 : cuts[2 * b - 1];
    if (cuts[2 * b] !== expected) {
      throw new TaskResultError(
        'the comparator contradicts itself: the order of some elements depends on who asks',
        -1,
      );
    }
  }
}

/**
 * Sorts a plain array in place. Numbers are sorted as a typed array. Other items are cloned to the workers, run by run, and only
 * the order of each run comes back; the runs are merged here, a slice at a time, so the array keeps its own items.
 */
export async function sortPlain(call: Call, array: unknown[]): Promise<void> {
  checkCount(array.length);
  if (array.length > 0 && Object.isFrozen(array)) {
    throw new ArgumentTypeError('array: expected one that can be sorted in place, got a frozen one');
  }
  call.signal?.throwIfAborted();
  const items = Array.from(array);
  const packed = pack(items);
  if (ArrayBuffer.isView(packed)) {
    await sortTyped(call, packed);
    unpackInto(packed, array, 0);
    return;
  }
  if (call.task === ASCENDING) {
    throw new ArgumentTypeError('task: expected a comparator, because the items are not all numbers');
  }
  const order = await orderOf(call, items);
  for (let i = 0; i < order.length; i++) array[i] = items[order[i]!];
  call.onProgress?.(items.length, items.length);
}

async function orderOf(call: Call, items: readonly unknown[]): Promise<Uint32Array> {
  const { run, comparisonMs } = COMPARED;
  const runs = Array.from({ length: Math.ceil(items.length / run) }, (_, r) =>
    items.slice(r * run, (r + 1) * run),
  );
  const orders: Uint32Array[] = [];
  if (call.options.callerSliceMs > 0 && runs.length === 1) {
    runHere(call, runs, orders, 'order');
  } else {
    const task = call.task.withCost(run * Math.log2(run) * comparisonMs);
    try {
      await mapClones({ ...call, task, onProgress: undefined }, runs, orders, 'order');
    } catch (error) {
      throw error instanceof ItemCloneError ? nameItem(error, items) : error;
    }
  }
  orders.forEach((order, r) => order.forEach((i, at) => (order[at] = i + r * run)));
  return await mergeOrders(call, items, orders);
}

/** The map knew the run; which item it was is looked for when it is asked for. */
function nameItem({ cause }: ItemCloneError, items: readonly unknown[]): ItemCloneError {
  const index = items.findIndex((item) => !isCloneable(item));
  return new ItemCloneError(`item ${index} cannot be cloned into another thread: ${String(cause)}`, {
    cause,
  });
}

/** Longest time that the merge keeps the event loop, where the calling thread takes no part otherwise. */
const MERGE_SLICE_MS = 5;

/** Items that are merged between two looks at the clock, each a nanosecond dearer for it. */
const MERGE_STEP = 32;

/** Merges the orders of neighbouring runs, pair by pair, in slices with a turn of the event loop after each. */
async function mergeOrders(
  call: Call,
  items: readonly unknown[],
  orders: Uint32Array[],
): Promise<Uint32Array> {
  const isAfter = afterOf(call.task.fn);
  const sliceMs = call.options.callerSliceMs || MERGE_SLICE_MS;
  let deadline = performance.now() + sliceMs;
  return await inTurns(call, async (turn) => {
    const merge = async (left: Uint32Array, right: Uint32Array): Promise<Uint32Array> => {
      const merged = new Uint32Array(left.length + right.length);
      let i = 0;
      let j = 0;
      for (let w = 0; w < merged.length;) {
        try {
          for (const stop = Math.min(w + MERGE_STEP, merged.length); w < stop; w++) {
            const takesRight =
              i === left.length || (j < right.length && isAfter(items[left[i]!], items[right[j]!]));
            merged[w] = takesRight ? right[j++]! : left[i++]!;
          }
        } catch (error) {
          throw errorOfThrown(error, left[i]!, call.task);
        }
        if (performance.now() < deadline) continue;
        await turn();
        deadline = performance.now() + sliceMs;
      }
      return merged;
    };
    let lists = orders;
    while (lists.length > 1) {
      const next: Uint32Array[] = [];
      for (let k = 0; k < lists.length; k += 2) {
        const [left, right] = [lists[k]!, lists[k + 1]];
        next.push(right === undefined ? left : await merge(left, right));
      }
      lists = next;
    }
    return lists[0] ?? new Uint32Array(0);
  });
}

/** Runs the one item of an input in this thread. */
function runHere(call: Call, input: SortInput | readonly unknown[], output: unknown[], kind: SortKind): void {
  const position: Position = { index: -1 };
  try {
    call.task.loop(input, output, kind)(input, output, 0, 1, 0, position);
  } catch (error) {
    throw errorOfThrown(error, position.index, call.task);
  }
}
