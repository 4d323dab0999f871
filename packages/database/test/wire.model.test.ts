import fc from 'fast-check';
import { EventEmitter } from 'node:events';
import { describe, expect, test } from 'vitest';
import { readMessages } from '../dist/pool/wire.js';

/** A message as the server sends it. */
function message(kind: number, body: Buffer): Buffer {
  const bytes = Buffer.alloc(5 + body.length);
  bytes[0] = kind;
  bytes.writeInt32BE(4 + body.length, 1);
  body.copy(bytes, 5);
  return bytes;
}

const ROW = 0x44;

interface Heard {
  /** Messages in the order in which they were handed on. */
  readonly events: string[];
  readonly corrupt: Error[];
}

/** Has the reader read chunks; every message must lie within its chunk. */
function read(chunks: readonly Buffer[]): Heard {
  const stream = new EventEmitter();
  const heard: Heard = { events: [], corrupt: [] };
  // Noted, not thrown: the reader would take what is thrown in here for a broken message.
  const outOfBounds: number[] = [];
  stream.on('data', () => outOfBounds.push(-1));
  readMessages(
    stream as never,
    (kind, bytes, at, end) => {
      if (at > end || end > bytes.length) outOfBounds.push(at, end, bytes.length);
      heard.events.push(`${kind} ${bytes.toString('hex', at, end)}`);
    },
    (cause) => heard.corrupt.push(cause),
  );
  for (const chunk of chunks) stream.emit('data', chunk);
  expect(outOfBounds).toEqual([]);
  return heard;
}

function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const at = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...at].map((from, index) => bytes.subarray(from, at[index] ?? bytes.length));
}

const body = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes));
const one = fc.tuple(fc.nat(255), body).map(([kind, values]) => {
  return { bytes: message(kind, values), event: `${kind} ${values.toString('hex')}` };
});
const messages = fc.array(one, { maxLength: 20 });
const places = fc.array(fc.nat(2_000), { maxLength: 12 });

describe('the reader of the server’s messages', () => {
  test('hands everything on whole, once and in order, wherever the chunks are cut', () => {
    fc.assert(
      fc.property(messages, places, (list, at) => {
        const heard = read(cut(Buffer.concat(list.map(({ bytes }) => bytes)), at));
        expect(heard).toEqual({ events: list.map(({ event }) => event), corrupt: [] });
      }),
    );
  });

  test('reads mangled messages within their bounds, and gives up once when they are none', () => {
    const change = fc.tuple(fc.nat(2_000), fc.nat(255));
    fc.assert(
      fc.property(messages, fc.array(change, { minLength: 1, maxLength: 6 }), places, (list, changes, at) => {
        const bytes = Buffer.concat([...list.map((each) => each.bytes), message(ROW, Buffer.alloc(4))]);
        for (const [where, to] of changes) bytes[where % bytes.length] = to;
        const whole = read([bytes]);
        expect(whole.corrupt.length).toBeLessThanOrEqual(1);
        // The chunks change nothing about what is heard, but that the one in which it breaks is heard only in part.
        const parts = read(cut(bytes, at));
        expect(parts.events.slice(0, whole.events.length)).toEqual(whole.events);
        if (whole.corrupt.length === 0) expect(parts.events).toEqual(whole.events);
        expect(parts.corrupt.map(String)).toEqual(whole.corrupt.map(String));
      }),
    );
  });

  test('gives up on lengths that no message has, before it waits for them', () => {
    for (const length of [-1, 0, 3, 0x4000_0001, 0x7fff_ffff, -0x8000_0000]) {
      const bytes = Buffer.alloc(5, ROW);
      bytes.writeInt32BE(length, 1);
      expect(read([bytes]).corrupt).toHaveLength(1);
    }
  });
});
