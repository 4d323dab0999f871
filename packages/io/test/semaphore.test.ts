import { getEventListeners } from 'node:events';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ArgumentRangeError, ArgumentTypeError, ReleasedError, Semaphore, type Permit } from '@hotpath/io';
import { rejection, turn } from './promises.ts';

test('no more than the capacity is held, and whoever waits first is served first', async () => {
  const semaphore = new Semaphore(2);
  const first = await semaphore.acquire();
  const second = await semaphore.acquire();
  const order: string[] = [];
  const third = semaphore.acquire().then((permit) => (order.push('third'), permit));
  const fourth = semaphore.acquire().then((permit) => (order.push('fourth'), permit));
  await turn();
  expect(order).toEqual([]);
  expect(semaphore).toMatchObject({ available: 0, waitingCount: 2, capacity: 2 });
  second.release();
  first.release();
  (await third).release();
  (await fourth).release();
  expect(order).toEqual(['third', 'fourth']);
  expect(semaphore.available).toBe(2);
});

test('a heavy request holds back lighter ones behind it', async () => {
  const semaphore = new Semaphore(3);
  const held = await semaphore.acquire();
  const heavy = semaphore.acquire({ weight: 3 });
  const light = semaphore.acquire();
  expect(semaphore.tryAcquire()).toBeUndefined();
  await turn();
  expect(semaphore.waitingCount).toBe(2);
  held.release();
  const permit = await heavy;
  expect(permit.weight).toBe(3);
  expect(semaphore.waitingCount).toBe(1);
  permit.release();
  (await light).release();
});

test('releasing twice throws and changes nothing', async () => {
  const semaphore = new Semaphore(1);
  const permit = await semaphore.acquire();
  permit.release();
  expect(() => permit.release()).toThrow(ReleasedError);
  expect(semaphore.available).toBe(1);
});

test('tryAcquire takes what is free; using releases at the end of the block', () => {
  const semaphore = new Semaphore(2);
  const permit = semaphore.tryAcquire(2);
  expect(permit?.weight).toBe(2);
  expect(semaphore.tryAcquire()).toBeUndefined();
  permit?.[Symbol.dispose]();
  expect(semaphore.available).toBe(2);
});

test('run releases after success, failure and a synchronous throw', async () => {
  const semaphore = new Semaphore(1);
  expect(await semaphore.run(() => 1)).toBe(1);
  expect(await rejection(semaphore.run(() => Promise.reject(new Error('bad'))))).toEqual(new Error('bad'));
  const thrown = semaphore.run(() => {
    throw new Error('worse');
  });
  expect(await rejection(thrown)).toEqual(new Error('worse'));
  expect(semaphore.available).toBe(1);
});

test('aborting ends the wait, lets those behind pass, and every listener goes', async () => {
  const semaphore = new Semaphore(2);
  const held = await semaphore.acquire();
  const controller = new AbortController();
  const { signal } = controller;
  const heavy = rejection(semaphore.acquire({ weight: 2, signal }));
  const light = semaphore.acquire({ signal: new AbortController().signal });
  const reason = new Error('too late');
  controller.abort(reason);
  expect(await heavy).toBe(reason);
  (await light).release();
  held.release();
  expect(getEventListeners(signal, 'abort').length).toBe(0);
  expect(await rejection(semaphore.acquire({ signal }))).toBe(reason);
  expect(semaphore).toMatchObject({ available: 2, waitingCount: 0 });
  const served = new AbortController();
  const blocker = await semaphore.acquire({ weight: 2 });
  const waiting = semaphore.acquire({ signal: served.signal });
  expect(getEventListeners(served.signal, 'abort').length).toBe(1);
  blocker.release();
  await waiting;
  expect(getEventListeners(served.signal, 'abort').length).toBe(0);
});

test.each([
  [0, ArgumentRangeError, 'capacity: expected an integer from 1 to 9007199254740991, got 0'],
  ['2', ArgumentTypeError, 'capacity: expected a number, got "2"'],
  [undefined, ArgumentTypeError, 'capacity: expected a number, got undefined'],
])('a capacity of %s is refused', (capacity, kind, message) => {
  expect(() => new Semaphore(capacity as never)).toThrow(new kind(message));
});

test('a weight that can never be had is refused', async () => {
  const semaphore = new Semaphore(2);
  const error = new ArgumentRangeError('weight: expected at most the capacity of 2, got 3');
  expect(await rejection(semaphore.acquire({ weight: 3 }))).toEqual(error);
  expect(() => semaphore.tryAcquire(3)).toThrow(error);
  expect(await rejection(semaphore.acquire({ weight: 0 }))).toBeInstanceOf(ArgumentRangeError);
  expect(await rejection(semaphore.run(1 as never))).toBeInstanceOf(ArgumentTypeError);
});

test('whatever the program, a queue of requests served in order predicts who holds what', async () => {
  const step = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ kind: fc.constant('acquire' as const), weight: fc.integer({ min: 1, max: 4 }) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('try' as const), weight: fc.integer({ min: 1, max: 4 }) }),
    },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('release' as const), which: fc.nat() }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('abort' as const), which: fc.nat() }) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 80, size: 'max' }), async (steps) => {
      const semaphore = new Semaphore(4);
      const permits = new Map<number, Permit>();
      const controllers = new Map<number, AbortController>();
      const holding = new Map<number, number>();
      let queue: { id: number; weight: number }[] = [];
      let id = 0;
      const free = (): number => 4 - [...holding.values()].reduce((sum, weight) => sum + weight, 0);
      const serve = (): void => {
        while (queue.length > 0 && queue[0]!.weight <= free()) {
          const next = queue.shift()!;
          holding.set(next.id, next.weight);
        }
      };
      for (const step of steps) {
        const own = id++;
        if (step.kind === 'acquire') {
          const controller = new AbortController();
          controllers.set(own, controller);
          void semaphore.acquire({ weight: step.weight, signal: controller.signal }).then(
            (permit) => permits.set(own, permit),
            () => {},
          );
          queue.push({ id: own, weight: step.weight });
        } else if (step.kind === 'try') {
          const canTake = queue.length === 0 && step.weight <= free();
          const permit = semaphore.tryAcquire(step.weight);
          expect(permit !== undefined).toBe(canTake);
          if (permit !== undefined) {
            permits.set(own, permit);
            holding.set(own, step.weight);
          }
        } else if (step.kind === 'release' && permits.size > 0) {
          const [which, permit] = [...permits][step.which % permits.size]!;
          permits.delete(which);
          holding.delete(which);
          permit.release();
        } else if (step.kind === 'abort' && queue.length > 0) {
          const { id: which } = queue[step.which % queue.length]!;
          queue = queue.filter((request) => request.id !== which);
          controllers.get(which)?.abort();
        }
        serve();
        await turn();
        expect(new Set(permits.keys())).toEqual(new Set(holding.keys()));
        expect(semaphore).toMatchObject({ available: free(), waitingCount: queue.length });
      }
    }),
    { numRuns: 100 },
  );
});
