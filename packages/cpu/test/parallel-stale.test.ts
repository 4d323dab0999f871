/** Arrays that are not the caller's any more, and data that cannot travel. */
import { moduleTask } from '@hotpath/cpu';
import { grayscale, type RgbaImage } from '@hotpath/cpu/image';
import { allocate, free } from '@hotpath/memory';
import { afterEach, describe, expect, test } from 'vitest';

import { numbers, run } from './parallel-cases.ts';
import { closePools, pool } from './pools.ts';

afterEach(closePools);

const ranges = (name: string) => ({ module: new URL('./tasks/ranges.mjs', import.meta.url), export: name });
const refusal = (name: string): object => ({
  code: 'ERR_HOTPATH_CPU_FREED_VECTOR',
  message: expect.stringMatching(new RegExp(`^${name}: `)) as string,
});

const PLACES = [
  {
    what: 'freed',
    make: () => {
      const view = allocate('f64', 100);
      free(view);
      return view;
    },
  },
  {
    what: 'a part of a freed one',
    make: () => {
      const view = allocate('f64', 4096);
      free(view);
      return view.subarray(1, 101);
    },
  },
  {
    what: 'detached',
    make: () => {
      const view = new Float64Array(100);
      structuredClone(view, { transfer: [view.buffer] });
      return view;
    },
  },
];

describe.each(PLACES)('an array that is $what', ({ what, make }) => {
  test('is refused by every call that takes one, and nothing is written', async () => {
    const parallel = pool({ threads: 2 });
    const live = new Float64Array(100);
    const task = numbers('negate');
    const gone = make();
    await expect(parallel.map(gone, task)).rejects.toMatchObject(refusal('input'));
    await expect(parallel.mapInto(gone, live, task)).rejects.toMatchObject(refusal('input'));
    await expect(parallel.filter(gone, ranges('isOdd'))).rejects.toMatchObject(refusal('input'));
    await expect(parallel.reduce(gone, ranges('add'), 0)).rejects.toMatchObject(refusal('input'));
    await expect(parallel.sort(gone)).rejects.toMatchObject(refusal('array'));
    // A detached output has room for nothing.
    if (what === 'detached') return;
    await expect(parallel.mapInto(live, gone, task)).rejects.toMatchObject(refusal('output'));
    await expect(parallel.forEachRange(9, ranges('fails'), { gone })).rejects.toMatchObject(refusal('data'));
    await expect(parallel.forEachRange(9, ranges('fails'), gone)).rejects.toMatchObject(refusal('data'));
  });
});

test('to look at shared memory of the caller makes no heap', () => {
  const program = `
    import { createParallel, source } from '@hotpath/cpu';
    import { configureHeap } from '@hotpath/memory';
    const take = () => new Int32Array(new SharedArrayBuffer(40));
    await createParallel().mapInto(take(), take(), source((x) => x + 1));
    configureHeap({ maximumBytes: 1 << 20 });
    console.log('done');`;
  expect(run([], program)).toBe('done');
});

test('an image whose pixels were freed is refused', async () => {
  const pixels = allocate('u8', 16);
  free(pixels);
  const image: RgbaImage = { width: 2, height: 2, pixels };
  await expect(grayscale(pool(), image)).rejects.toMatchObject(refusal('image.pixels'));
});

test('an array whose buffer is transferred while one thread works is refused', async () => {
  const parallel = pool({ threads: 1, callerSliceMs: 1 });
  const crunch = await moduleTask<number, number>(numbers('crunch'));
  for (const gone of ['input', 'output'] as const) {
    const arrays = { input: new Float64Array(20_000), output: new Float64Array(20_000) };
    const running = parallel.mapInto(arrays.input, arrays.output, crunch);
    structuredClone(null, { transfer: [arrays[gone].buffer] });
    await expect(running).rejects.toMatchObject(refusal(gone));
  }
});

test('a vector that is freed while it is sorted is refused, and who has its memory then keeps it', async () => {
  const length = 200_000;
  const array = allocate('f64', length);
  const others: Float64Array[] = [];
  const onProgress = (): void => {
    if (others.length > 0) return;
    free(array);
    others.push(allocate('f64', length).fill(7));
  };
  await expect(pool({ threads: 1 }).sort(array, undefined, { onProgress })).rejects.toMatchObject(
    refusal('array'),
  );
  expect(others[0]!.byteOffset).toBe(array.byteOffset);
  expect(others[0]!.every((value) => value === 7)).toBe(true);
  free(others[0]!);
});

test('parts of one vector seen through buffers of before and after a growth overlap', async () => {
  const { heap } = await import('@hotpath/memory');
  const early = allocate('f64', 100);
  const before = heap().memory.buffer;
  const large = allocate('u8', before.byteLength);
  const late = new Float64Array(heap().memory.buffer, early.byteOffset + 8, 90);
  expect(late.buffer).not.toBe(early.buffer);
  await expect(pool().mapInto(early.subarray(0, 90), late, numbers('negate'))).rejects.toMatchObject({
    code: 'ERR_HOTPATH_CPU_ARGUMENT_RANGE',
  });
  free(early);
  free(large);
});

test('data that cannot be cloned is refused by name, by whoever would compute', async () => {
  for (const options of [{}, { callerSliceMs: 0 }]) {
    const parallel = pool(options);
    // Seconds of the calling thread: it must not be done before the workers are up, when the data are sent.
    const count = 2_000_000;
    const [input, output] = [allocate('i32', count), allocate('i32', count)];
    const data = { input, output, tell: () => {} };
    await expect(parallel.forEachRange(count, ranges('doubleRange'), data)).rejects.toMatchObject({
      code: 'ERR_HOTPATH_CPU_ARGUMENT_TYPE',
      message: expect.stringMatching(/^data: it cannot be cloned/) as string,
    });
    free(input);
    free(output);
  }
});

test('a frozen array is refused before anything is sorted', async () => {
  await expect(pool().sort(Object.freeze([2, 1]) as number[])).rejects.toMatchObject({
    code: 'ERR_HOTPATH_CPU_ARGUMENT_TYPE',
    message: expect.stringMatching(/^array: /) as string,
  });
});
