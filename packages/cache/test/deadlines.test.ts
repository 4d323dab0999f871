import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { DeadlineQueue } from '../dist/guard/deadlines.js';

test('calls expire in their order, each at its own deadline, and those settled do not', async () => {
  const queue = new DeadlineQueue(40);
  const expired: string[] = [];
  const expiredAt: number[] = [];
  const add = (name: string) =>
    queue.add(() => {
      expired.push(name);
      expiredAt.push(performance.now());
    });
  const first = add('first');
  const settled = add('settled');
  await sleep(20);
  const late = add('late');
  expect(queue.settle(settled)).toBe(true);
  await vi.waitUntil(() => expired.length === 2);
  expect(queue.settle(first)).toBe(false);
  expect(expired).toEqual(['first', 'late']);
  expect(expiredAt[0]).toBeGreaterThanOrEqual(first.dueAt);
  expect(expiredAt[1]).toBeGreaterThanOrEqual(late.dueAt);
});

test('a call that begins when the last one has settled has its whole deadline', async () => {
  const queue = new DeadlineQueue(30);
  queue.settle(queue.add(() => {}));
  await sleep(20);
  const onExpire = vi.fn();
  const { dueAt } = queue.add(onExpire);
  await vi.waitUntil(() => onExpire.mock.calls.length === 1);
  expect(performance.now()).toBeGreaterThanOrEqual(dueAt);
});

test('an answer that came during a stall of the event loop is no miss', async () => {
  const queue = new DeadlineQueue(10);
  const onExpire = vi.fn();
  const waiting = queue.add(onExpire);
  setImmediate(() => queue.settle(waiting));
  const until = performance.now() + 20;
  while (performance.now() < until);
  await sleep(20);
  expect(onExpire).not.toHaveBeenCalled();
});

test('a call that was answered keeps none alive that came after it', () => {
  const queue = new DeadlineQueue(40);
  const calls = Array.from({ length: 3 }, () => queue.add(() => {}));
  for (const call of calls) queue.settle(call);
  expect(calls.map(({ next }) => next)).toEqual([undefined, undefined, undefined]);
});

test('a call that was answered holds nothing, though one before it hangs', () => {
  const queue = new DeadlineQueue(40);
  const hanging = queue.add(() => {});
  const expire = (): void => {};
  const answered = queue.add(expire);
  queue.settle(answered);
  expect(answered.expire).not.toBe(expire);
  queue.settle(hanging);
});

test('a call that begins between a due timer and its look at the calls does not put the others off', async () => {
  const queue = new DeadlineQueue(60);
  const expired: string[] = [];
  // The timer is set for the first, 50 ms on, and due before the second.
  queue.settle(queue.add(() => {}));
  await sleep(20);
  queue.add(() => expired.push('second'));
  const until = performance.now() + 45;
  while (performance.now() < until);
  // Runs after the timer, and before what it put off.
  const late = await new Promise<ReturnType<typeof queue.add>>((resolve) => {
    setTimeout(() => {
      resolve(queue.add(() => expired.push('third')));
    }, 0);
  });
  await vi.waitUntil(() => expired.includes('second'));
  expect(queue.settle(late)).toBe(true);
});
