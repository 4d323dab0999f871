import { source } from '@hotpath/cpu';
import { adjust, boxBlur, createImage, grayscale, mapPixels, type RgbaImage } from '@hotpath/cpu/image';
import { allocate, free } from '@hotpath/memory';
import { afterEach, describe, expect, test } from 'vitest';
import { closePools, pool } from './pools.ts';

const tasks = (name: string) => ({ module: new URL('./tasks/ranges.mjs', import.meta.url), export: name });

afterEach(closePools);

const CALLERS = [
  { who: 'the caller and workers', options: {} },
  { who: 'workers alone', options: { callerSliceMs: 0 } },
  { who: 'the caller alone', options: { threads: 1 } },
];

describe.each(CALLERS)('by $who', ({ options }) => {
  test('reduce folds typed, shared and plain arrays, and gives the initial value for none', async () => {
    const parallel = pool(options);
    const numbers = Array.from({ length: 50_000 }, (_, i) => (i * 8) % 1001);
    const total = numbers.reduce((sum, x) => sum + x, 0);
    const shared = allocate('i32', numbers.length);
    shared.set(numbers);
    expect(await parallel.reduce(numbers, tasks('add'), 0)).toBe(total);
    expect(await parallel.reduce(Float64Array.from(numbers), tasks('add'), 0)).toBe(total);
    expect(await parallel.reduce(shared, tasks('greatest'), -Infinity)).toBe(1000);
    expect(await parallel.reduce(new Float32Array(0), tasks('add'), 5)).toBe(5);
    free(shared);
  });

  test('filter keeps the order, over typed and plain arrays', async () => {
    const parallel = pool(options);
    const numbers = Array.from({ length: 20_000 }, (_, i) => i * 3);
    const expected = numbers.filter((x) => x % 2 === 1);
    const kept = await parallel.filter(Int32Array.from(numbers), tasks('isOdd'));
    expect(kept).toBeInstanceOf(Int32Array);
    expect([...kept]).toEqual(expected);
    expect(await parallel.filter(numbers, tasks('isOdd'))).toEqual(expected);
  });

  test('forEachRange covers every index once', async () => {
    const parallel = pool(options);
    const count = 3000;
    const input = allocate('i32', count);
    const output = allocate('i32', count);
    for (let i = 0; i < count; i++) input[i] = i;
    await parallel.forEachRange(count, tasks('doubleRange'), { input, output });
    const expected = [...input].map((start) => {
      let x = start;
      for (let k = 0; k < 500; k++) x = Math.imul(x, 17) % 997;
      return x;
    });
    expect([...output]).toEqual(expected);
    free(input);
    free(output);
  });

  test('images come out as by a plain loop', async () => {
    const parallel = pool(options);
    const image = random(61, 47);
    const out = createImage(61, 47);
    const at = (x: number, y: number, c: number): number =>
      image.pixels[(Math.min(Math.max(y, 0), 46) * 61 + Math.min(Math.max(x, 0), 60)) * 4 + c]!;
    const each = (f: (x: number, y: number, c: number) => number): number[] =>
      Array.from({ length: 61 * 47 * 4 }, (_, i) => f((i >> 2) % 61, Math.floor((i >> 2) / 61), i & 3));

    expect(await grayscale(parallel, image, out)).toBe(out);
    expect([...out.pixels]).toEqual(
      each((x, y, c) =>
        c === 3 ? at(x, y, 3) : (77 * at(x, y, 0) + 150 * at(x, y, 1) + 29 * at(x, y, 2)) >> 8,
      ),
    );
    for (const radius of [0, 1, 4, 25]) {
      await boxBlur(parallel, image, radius, out);
      const expected = each((x, y, c) => {
        let sum = 0;
        for (let dy = -radius; dy <= radius; dy++)
          for (let dx = -radius; dx <= radius; dx++) sum += at(x + dx, y + dy, c);
        const area = (2 * radius + 1) ** 2;
        return Math.floor((sum + (area >> 1)) / area);
      });
      expect([...out.pixels], `radius ${radius}`).toEqual(expected);
    }
    await adjust(parallel, image, { brightness: 0.25, contrast: 1.5 }, out);
    const level = (v: number): number =>
      Math.min(255, Math.max(0, Math.round((v - 127.5) * 1.5 + 127.5 + 63.75)));
    expect([...out.pixels]).toEqual(each((x, y, c) => (c === 3 ? at(x, y, c) : level(at(x, y, c)))));
    const words = new Uint32Array(image.pixels.slice().buffer);
    await mapPixels(parallel, image, tasks('shade'), out);
    expect([...new Uint32Array(out.pixels.slice().buffer)]).toEqual([...words].map((v, i) => (v ^ i) >>> 0));
    free(image.pixels);
    free(out.pixels);
  });
});

function random(width: number, height: number): RgbaImage {
  const image = createImage(width, height);
  for (let i = 0; i < image.pixels.length; i++) image.pixels[i] = Math.imul(i + 1, 0x9e37_79b1) >>> 24;
  return image;
}

test('a blur far wider than the picture still rounds every mean exactly', async () => {
  const parallel = pool();
  const [image, out] = [random(5, 3), createImage(5, 3)];
  for (const radius of [2, 3, 7, 60]) {
    await boxBlur(parallel, image, radius, out);
    const sums = new Float64Array(60);
    for (let i = 0; i < 60; i++) {
      for (let dy = -radius; dy <= radius; dy++) {
        for (let dx = -radius; dx <= radius; dx++) {
          const x = Math.min(Math.max(((i >> 2) % 5) + dx, 0), 4);
          const y = Math.min(Math.max(Math.floor((i >> 2) / 5) + dy, 0), 2);
          sums[i] = sums[i]! + image.pixels[(y * 5 + x) * 4 + (i & 3)]!;
        }
      }
    }
    const area = (2 * radius + 1) ** 2;
    expect([...out.pixels], `radius ${radius}`).toEqual(
      [...sums].map((sum) => Math.floor((sum + (area >> 1)) / area)),
    );
  }
  for (const level of [0, 1, 254, 255]) {
    image.pixels.fill(level);
    await boxBlur(parallel, image, 1024, out);
    expect([...out.pixels]).toEqual(Array.from(out.pixels, () => level));
  }
  free(image.pixels);
  free(out.pixels);
});

test('progress is told at the end, and a callback that throws fails the call', async () => {
  const parallel = pool();
  const seen: [number, number][] = [];
  const numbers = new Int32Array(3000);
  await parallel.map(
    numbers,
    source((x: number) => x + 1),
    { onProgress: (...at) => seen.push(at) },
  );
  expect(seen.at(-1)).toEqual([3000, 3000]);
  const refusal = parallel.map(
    numbers,
    source((x: number) => x + 1),
    {
      onProgress: () => {
        throw new Error('enough');
      },
    },
  );
  await expect(refusal).rejects.toThrow('enough');
});

test('what cannot work is refused, and the pool stays usable', async () => {
  const parallel = pool({ callerSliceMs: 0 });
  const code = (cause: string) => expect.objectContaining({ code: `ERR_HOTPATH_CPU_${cause}` }) as Error;
  const numbers = Float64Array.from({ length: 4000 }, (_, i) => i);
  const local = { data: new Int32Array(4) };
  await expect(parallel.forEachRange(4, tasks('doubleRange'), local)).rejects.toEqual(code('ARGUMENT_TYPE'));
  await expect(parallel.forEachRange(-1, tasks('doubleRange'))).rejects.toEqual(code('ARGUMENT_RANGE'));
  await expect(parallel.forEachRange(4, tasks('missing'))).rejects.toEqual(code('TASK_EXPORT'));
  await expect(parallel.forEachRange(2000, tasks('fails'))).rejects.toEqual(code('TASK'));
  await expect(parallel.forEachRange(10, tasks('exits'))).rejects.toEqual(code('WORKER_DIED'));
  await expect(parallel.reduce(numbers, tasks('wrong'), 0)).rejects.toEqual(code('TASK_RESULT'));
  await expect(parallel.reduce(new BigInt64Array(2) as never, tasks('add'), 0)).rejects.toEqual(
    code('ARGUMENT_TYPE'),
  );
  await expect(parallel.reduce(numbers, tasks('add'), '0' as never)).rejects.toEqual(code('ARGUMENT_TYPE'));
  await expect(parallel.filter(numbers, tasks('wrong'))).rejects.toEqual(code('TASK_RESULT'));
  const image = createImage(4, 4);
  await expect(boxBlur(parallel, image, 1, image)).rejects.toEqual(code('ARGUMENT_RANGE'));
  await expect(boxBlur(parallel, image, -1, image)).rejects.toEqual(code('ARGUMENT_RANGE'));
  const gone = { ...image, pixels: new Uint8Array(64) };
  await expect(adjust(parallel, gone, {})).rejects.toEqual(code('ARGUMENT_TYPE'));
  free(image.pixels);
  expect(await parallel.reduce(numbers, tasks('add'), 0)).toBe((3999 * 4000) / 2);
});

test('an image may be changed in place, and an output that it overlaps in part is refused', async () => {
  const parallel = pool();
  const tall = createImage(4, 5);
  tall.pixels.set(Uint8Array.from({ length: 80 }, (_, i) => i * 3));
  const image = { width: 4, height: 4, pixels: tall.pixels.subarray(0, 64) };
  const below = { width: 4, height: 4, pixels: tall.pixels.subarray(16) };
  const refusal = expect.objectContaining({ code: 'ERR_HOTPATH_CPU_ARGUMENT_RANGE' }) as Error;
  await expect(grayscale(parallel, image, below)).rejects.toEqual(refusal);
  await expect(adjust(parallel, below, {}, image)).rejects.toEqual(refusal);
  const apart = createImage(4, 4);
  await grayscale(parallel, image, apart);
  await grayscale(parallel, image, { ...image, pixels: tall.pixels.subarray(0, 64) });
  expect(image.pixels).toEqual(apart.pixels);
  free(tall.pixels);
  free(apart.pixels);
});

test('pixels that begin between two words come out as those that do not', async () => {
  const parallel = pool();
  const image = random(61, 7);
  const shifted = allocate('u8', image.pixels.length + 1);
  const odd = { ...image, pixels: shifted.subarray(1) };
  const out = createImage(61, 7);
  odd.pixels.set(image.pixels);
  await grayscale(parallel, image, out);
  await grayscale(parallel, odd);
  expect(odd.pixels).toEqual(out.pixels);
  odd.pixels.set(image.pixels);
  await adjust(parallel, image, { brightness: -0.2, contrast: 2 }, out);
  await adjust(parallel, odd, { brightness: -0.2, contrast: 2 });
  expect(odd.pixels).toEqual(out.pixels);
  free(image.pixels);
  free(shifted);
  free(out.pixels);
});
