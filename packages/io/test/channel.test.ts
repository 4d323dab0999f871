import { getEventListeners } from 'node:events';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ClosedError, createChannel, ArgumentRangeError, ArgumentTypeError } from '@hotpath/io';
import { turn } from './promises.ts';

test('every value is received once, in the order sent, by whoever receives, and never more are buffered than fit', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 20 }),
      fc.array(fc.nat(2), { maxLength: 100, size: 'max' }),
      fc.integer({ min: 1, max: 3 }),
      async (capacity, pauses, receivers) => {
        const channel = createChannel<number>(capacity);
        const received: number[] = [];
        const consume = async (): Promise<void> => {
          for await (const value of channel) {
            received.push(value);
            expect(channel.size).toBeLessThanOrEqual(capacity);
            if (value % 7 === 0) await turn();
          }
        };
        const all = Array.from({ length: receivers }, consume);
        for (const [index, pause] of pauses.entries()) {
          const sent = channel.send(index);
          expect(channel.size).toBeLessThanOrEqual(capacity);
          if (pause === 0) await turn();
          if (pause === 1) await sent;
        }
        channel.close();
        await Promise.all(all);
        expect(received).toEqual(pauses.map((_, index) => index));
      },
    ),
    { numRuns: 50 },
  );
});

test('a sender waits while the buffer is full, and an abort takes its value back', async () => {
  const channel = createChannel<string>(1);
  await channel.send('a');
  expect(channel.trySend('b')).toBe(false);
  const abort = new AbortController();
  const waiting = channel.send('c', { signal: abort.signal });
  const last = channel.send('d');
  abort.abort('enough');
  await expect(waiting).rejects.toBe('enough');
  expect(getEventListeners(abort.signal, 'abort')).toHaveLength(0);
  channel.close();
  expect(await channel.receive()).toEqual({ done: false, value: 'a' });
  await last;
  expect(await channel.receive()).toEqual({ done: false, value: 'd' });
  expect(await channel.receive()).toEqual({ done: true, value: undefined });
  await expect(channel.send('e')).rejects.toThrow(ClosedError);
});

test('a receiver that gives up does not take a value with it', async () => {
  const channel = createChannel<string>(1);
  const abort = new AbortController();
  const waiting = channel.receive({ signal: abort.signal });
  const next = channel.receive();
  abort.abort('enough');
  await expect(waiting).rejects.toBe('enough');
  await channel.send('a');
  expect(await next).toEqual({ done: false, value: 'a' });
});

test('destroying rejects both ends with the reason', async () => {
  const channel = createChannel<string>(1);
  await channel.send('a');
  const sender = channel.send('b');
  channel.destroy('enough');
  await expect(sender).rejects.toMatchObject({ code: 'ERR_HOTPATH_IO_CLOSED', cause: 'enough' });
  await expect(channel.receive()).rejects.toThrow(ClosedError);
  const other = createChannel<string>(1);
  const receiver = other.receive();
  other.destroy();
  await expect(receiver).rejects.toThrow(ClosedError);
});

test('a capacity that cannot be is refused', () => {
  expect(() => createChannel(0)).toThrow(ArgumentRangeError);
  expect(() => createChannel(1.5)).toThrow(ArgumentRangeError);
  expect(() => createChannel('1' as never)).toThrow(ArgumentTypeError);
  expect(() => createChannel(undefined as never)).toThrow(ArgumentTypeError);
});
