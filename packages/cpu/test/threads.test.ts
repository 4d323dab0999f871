import { afterEach, expect, test } from 'vitest';

// Jobs and threads are no part of the public face; what they leave undone is seen at this level alone.
import { claim, createControl, presentThread, stop, STOP_REASON } from '../dist/parallel/control.js';
import type { ShareJob } from '../dist/parallel/protocol.js';
import { JOBS_PER_WORKER, Threads } from '../dist/parallel/threads.js';

const open: Threads[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((threads) => threads.destroy()));
});

function threads(): Threads {
  const made = new Threads(1, undefined);
  open.push(made);
  return made;
}

/** A job over `count` items, of `fn(start, end, data)`. */
function job(name: string, count: number, data: unknown): ShareJob {
  return {
    kind: 'share',
    task: {
      kind: 'module',
      id: 1,
      url: new URL('./tasks/ranges.mjs', import.meta.url).href,
      exportName: name,
    },
    control: createControl(1),
    slot: 0,
    input: Object.assign([], { length: count, data }),
    output: [],
    resultKind: 'range',
    heap: undefined,
    count,
    offset: 0,
    threads: 1,
    grain: 0,
    msPerItem: 0,
  };
}

test('a job of which nothing is left when a worker has room is answered without a worker', async () => {
  const pool = threads();
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const held = Array.from({ length: JOBS_PER_WORKER }, () => pool.run(job('waits', 1, { gate })));
  const exhausted = job('waits', 5, { gate });
  const stopped = job('waits', 5, { gate });
  const open = job('waits', 1, { gate });
  const late = [exhausted, stopped, open].map((waiting) => pool.run(waiting));
  claim(exhausted.control, 5);
  stop(stopped.control, STOP_REASON.aborted);
  Atomics.store(gate, 0, 1);
  Atomics.notify(gate, 0);
  expect((await Promise.all(held)).map(({ items }) => items)).toEqual(held.map(() => 1));
  const outcomes = await Promise.all(late);
  expect(outcomes.map(({ items }) => items)).toEqual([0, 0, 1]);
  expect(outcomes.map(({ failure }) => failure)).toEqual([undefined, undefined, undefined]);
  // A worker that had looked at them would have marked itself as gone.
  expect(exhausted.control.at(-1)).toBe(0);
  expect(stopped.control.at(-1)).toBe(0);
  expect(open.control.at(-1)).toBe(-1);
  expect(presentThread(open.control, 0)).toBe(-1);
});

test('jobs that wait reject when the threads are ended', async () => {
  const pool = threads();
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const jobs = Array.from({ length: JOBS_PER_WORKER + 1 }, () => pool.run(job('waits', 1, { gate })));
  const settled = Promise.allSettled(jobs);
  await pool.destroy();
  expect((await settled).map(({ status }) => status)).toEqual(jobs.map(() => 'rejected'));
});
