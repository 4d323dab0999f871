import { addressOf, defineLayout, heap } from '@hotpath/memory';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, expect, test } from 'vitest';

const spec = { x: 'f64', vx: 'f32', on: 'bool', kind: ['new', 'done'] } as const;
const Particle = defineLayout(spec);
const workers: Worker[] = [];

beforeAll(async () => {
  const url = new URL('workers/table-worker.mjs', import.meta.url);
  // The last one does not attach to the heap: a table's descriptor is enough to work on it.
  for (const handle of [heap().handle(), heap().handle(), undefined]) {
    workers.push(new Worker(url, { workerData: { spec, handle } }));
  }
  await Promise.all(workers.map((worker) => once(worker, 'online')));
});

afterAll(async () => {
  await Promise.all(workers.map((worker) => worker.terminate()));
});

async function ask<T>(worker: Worker, message: object): Promise<T> {
  worker.postMessage(message);
  const [reply] = (await once(worker, 'message')) as [T];
  return reply;
}

test('threads work on parts of one table, round after round', async () => {
  const count = 30_000;
  using table = Particle.create({ capacity: count });
  for (let i = 0; i < count; i++) table.push({ x: i, vx: 1, on: false, kind: 'new' });
  const descriptor = table.share();
  for (let round = 0; round < 20; round++) {
    await Promise.all(
      workers.map((worker, w) =>
        ask(worker, { descriptor, from: (count / 3) * w, to: (count / 3) * (w + 1), kind: 'run' }),
      ),
    );
  }
  expect(table.toObjects()).toEqual(
    Array.from({ length: count }, (_, i) => ({ x: i + 20, vx: 1, on: false, kind: 'done' })),
  );
});

test('an attached table changes no length, and its layout must be the same', async () => {
  using table = Particle.from([{ x: 1, vx: 1, on: true, kind: 'new' }]);
  const descriptor = table.share();
  for (const [w, worker] of workers.entries()) {
    const { codes, address } = await ask<{ codes: Record<string, string>; address: number }>(worker, {
      descriptor,
      kind: 'refusals',
    });
    expect(Object.entries(codes)).toEqual(
      Object.keys(codes).map((name) => [name, 'ERR_HOTPATH_MEMORY_CAPACITY']),
    );
    // Kernels in a thread that attached to the heap take the columns as they are.
    expect(address).toBe(w < 2 ? addressOf(table.columns.x) : 0);
    const mismatch = await ask<{ code: string }>(worker, { descriptor, kind: 'mismatch' });
    expect(mismatch.code).toBe('ERR_HOTPATH_MEMORY_LAYOUT_MISMATCH');
  }
});
