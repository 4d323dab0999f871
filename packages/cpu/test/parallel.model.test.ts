import { createParallel, source } from '@hotpath/cpu';
import type { Parallel, ParallelTask } from '@hotpath/cpu';
import { adopt, free } from '@hotpath/memory';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';

/** The cost of an item depends on its value, so that threads finish their grains in any order. */
function uneven(value: number, index: number): number {
  let acc = index;
  for (let round = Math.abs(value | 0) % 3000; round > 0; round--) acc = Math.imul(acc + round, 17) % 997;
  return acc + value;
}

const task: ParallelTask<number, number> = source(uneven);

const pools = new Map<string, Parallel>();
function pool(threads: number, callerSliceMs: number): Parallel {
  const key = `${threads} ${callerSliceMs}`;
  const found = pools.get(key) ?? createParallel({ threads, callerSliceMs });
  pools.set(key, found);
  return found;
}

afterAll(async () => {
  await Promise.all([...pools.values()].map((parallel) => parallel.close()));
});

const values = fc.array(fc.integer({ min: -100_000, max: 100_000 }), { maxLength: 600 });
const threads = fc.integer({ min: 1, max: 3 });
const callerSliceMs = fc.constantFrom(0, 0.01, 5);
const grain = fc.option(fc.integer({ min: 1, max: 700 }), { nil: undefined });

test('any input cut in any way by any threads gives what a loop gives', async () => {
  await fc.assert(
    fc.asyncProperty(
      values,
      threads,
      callerSliceMs,
      grain,
      fc.boolean(),
      async (input, threads, slice, grain, inHeap) => {
        const parallel = pool(threads, slice);
        const expected = input.map(uneven);
        const options = grain === undefined ? {} : { grain };
        expect(await parallel.map(input, task, options)).toEqual(expected);
        const vector = inHeap ? adopt<'f64'>(Float64Array.from(input)) : Float64Array.from(input);
        expect(await parallel.map(vector, task, options)).toEqual(Float64Array.from(expected));
        await parallel.mapInto(vector, vector, task, options);
        expect([...vector]).toEqual(expected);
        if (inHeap) free(vector);
      },
    ),
    { numRuns: 60 },
  );
});

test('aborted and failed calls between others leave the others right', async () => {
  const failing = source((value: number, index: number): number => {
    if (index === 50) throw new Error('fifty');
    let acc = value;
    for (let round = 0; round < 2000; round++) acc = Math.imul(acc + round, 17) % 997;
    return acc;
  });
  const step = fc.constantFrom('map', 'plain', 'abort', 'fail', 'fail plain');
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 6 }), callerSliceMs, async (steps, slice) => {
      const parallel = pool(2, slice);
      const input = Array.from({ length: 400 }, (_, i) => i * 7);
      const expected = input.map(uneven);
      const run = async (step: string): Promise<void> => {
        if (step === 'map') {
          expect(await parallel.map(Float64Array.from(input), task)).toEqual(Float64Array.from(expected));
        } else if (step === 'plain') {
          expect(await parallel.map(input, task)).toEqual(expected);
        } else if (step === 'abort') {
          const controller = new AbortController();
          const running = parallel.map(new Float64Array(200_000).fill(2999), task, {
            signal: controller.signal,
          });
          setImmediate(() => controller.abort());
          await expect(running).rejects.toMatchObject({ name: 'AbortError' });
        } else {
          const running = parallel.map(step === 'fail' ? Int32Array.from(input) : (input as never), failing);
          await expect(running).rejects.toMatchObject({ code: 'ERR_HOTPATH_CPU_TASK', index: 50 });
        }
      };
      await Promise.all(steps.map(run));
    }),
    { numRuns: 15 },
  );
});
