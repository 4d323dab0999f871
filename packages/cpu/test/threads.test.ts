import { setImmediate } from 'node:timers/promises';

import { afterEach, expect, test } from 'vitest';

// Jobs and threads are no part of the public face; what they leave undone is seen at this level alone.
import { claim, createControl, stop, STOP_REASON } from '../dist/parallel/control.js';
import type { Outcome, ShareJob } from '../dist/parallel/protocol.js';
import { JOBS_PER_WORKER, Threads } from '../dist/parallel/threads.js';

const NOTHING = { items: 0, busyMs: 0, results: undefined, failure: undefined };

const opened: Threads[] = [];

afterEach(async () => {
  await Promise.all(opened.splice(0).map((threads) => threads.destroy()));
});

function threads(): Threads {
  const made = new Threads(1, undefined);
  opened.push(made);
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

/** Jobs that wait, and of which nothing is left as soon as they do. */
function staleJobs(pool: Threads, count: number): Promise<Outcome>[] {
  return Array.from({ length: count }, () => {
    const waiting = job('waits', 1, undefined);
    const outcome = pool.run(waiting);
    claim(waiting.control, 1);
    return outcome;
  });
}

interface Gated {
  readonly ended: Promise<Outcome[]>;
  readonly open: () => void;
}

/** Jobs that end when the gate is opened. */
function gatedJobs(pool: Threads, count: number): Gated {
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const ended = Promise.all(Array.from({ length: count }, () => pool.run(job('waits', 1, { gate }))));
  return {
    ended,
    open() {
      Atomics.store(gate, 0, 1);
      Atomics.notify(gate, 0);
    },
  };
}

test('a job of which nothing is left is answered without a worker, when a worker has room', async () => {
  const pool = threads();
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const held = Array.from({ length: JOBS_PER_WORKER }, () => pool.run(job('waits', 1, { gate })));
  const [taken, stopped, open, late] = Array.from({ length: 4 }, () => job('waits', 5, { gate })) as [
    ShareJob,
    ShareJob,
    ShareJob,
    ShareJob,
  ];
  const first = [taken, stopped].map((waiting) => pool.run(waiting));
  claim(taken.control, 5);
  stop(stopped.control, STOP_REASON.aborted);
  const last = [open, late].map((waiting) => pool.run(waiting));
  claim(late.control, 5);
  Atomics.store(gate, 0, 1);
  Atomics.notify(gate, 0);
  expect((await Promise.all(held)).map(({ items }) => items)).toEqual(held.map(() => 1));
  for (const outcome of await Promise.all(first)) expect(outcome).toEqual(NOTHING);
  expect((await Promise.all(last)).map(({ items }) => items)).toEqual([5, 0]);
  // A worker that had looked at a job would have marked itself as gone.
  expect([taken, stopped, open, late].map(({ control }) => control.at(-1))).toEqual([0, 0, -1, 0]);
});

test('the answer of a job does not wait for the one that its worker does next', async () => {
  const pool = threads();
  const [first, second] = [gatedJobs(pool, 1), gatedJobs(pool, 1)];
  first.open();
  expect(await first.ended).toMatchObject([{ items: 1 }]);
  second.open();
  await second.ended;
});

test('jobs of which nothing is left do not add up behind one that can go on', async () => {
  const pool = threads();
  const held = gatedJobs(pool, JOBS_PER_WORKER + 1);
  const stale = staleJobs(pool, 200);
  // The worker is held all the while, and what it is to do next waits in front.
  for (const outcome of await Promise.all(stale.slice(0, 199))) expect(outcome).toEqual(NOTHING);
  held.open();
  for (const { items } of await held.ended) expect(items).toBe(1);
  await Promise.all(stale);
});

test('nor do those of a few calls, whose buffers may be large', async () => {
  const pool = threads();
  const held = gatedJobs(pool, JOBS_PER_WORKER + 1);
  const stale = staleJobs(pool, 10);
  for (const outcome of await Promise.all(stale.slice(0, 9))) expect(outcome).toEqual(NOTHING);
  held.open();
  await Promise.all([held.ended, ...stale]);
});

test('nor do they after a burst of jobs that could go on, when few of those are left', async () => {
  const pool = threads();
  const first = gatedJobs(pool, JOBS_PER_WORKER);
  const burst = gatedJobs(pool, 100);
  const held = gatedJobs(pool, JOBS_PER_WORKER + 20);
  burst.open();
  first.open();
  await burst.ended;
  // Jobs are posted in their order, so the worker holds the first of those that are held, and 20 wait.
  let answered = 0;
  const stale = staleJobs(pool, 21);
  for (const outcome of stale) void outcome.then(() => answered++);
  await setImmediate();
  expect(answered).toBe(20);
  held.open();
  await Promise.all([first.ended, held.ended, ...stale]);
});

test('jobs that wait reject when the threads are ended', async () => {
  const pool = threads();
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const jobs = Array.from({ length: JOBS_PER_WORKER + 1 }, () => pool.run(job('waits', 1, { gate })));
  const settled = Promise.allSettled(jobs);
  await pool.destroy();
  expect((await settled).map(({ status }) => status)).toEqual(jobs.map(() => 'rejected'));
});
