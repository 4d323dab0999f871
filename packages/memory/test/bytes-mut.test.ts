import { Buffer } from 'node:buffer';
import { describe, expect, test } from 'vitest';
import {
  Bytes,
  BytesMut,
  BytesReader,
  createPool,
  heap,
  payloadBytesCopied,
  type ReadsInto,
} from '@hotpath/memory';

const code = (name: string) => expect.objectContaining({ code: `ERR_HOTPATH_MEMORY_${name}` });

function copiedBy(run: () => void): number {
  const before = payloadBytesCopied();
  run();
  return payloadBytesCopied() - before;
}

describe('writing', () => {
  test('numbers of every kind and order read back', () => {
    for (const littleEndian of [false, true]) {
      const out = BytesMut.withCapacity(0);
      out.putUint8(255);
      out.putInt8(-128);
      out.putUint16(65_535, littleEndian);
      out.putInt16(-32_768, littleEndian);
      out.putUint32(4_294_967_295, littleEndian);
      out.putInt32(-2_147_483_648, littleEndian);
      out.putBigUint64(2n ** 64n - 1n, littleEndian);
      out.putBigInt64(-(2n ** 63n), littleEndian);
      out.putFloat32(1.5, littleEndian);
      out.putFloat64(-0, littleEndian);
      const reader = new BytesReader(out.freeze());
      expect(reader.readUint8()).toBe(255);
      expect(reader.readInt8()).toBe(-128);
      expect(reader.readUint16(littleEndian)).toBe(65_535);
      expect(reader.readInt16(littleEndian)).toBe(-32_768);
      expect(reader.readUint32(littleEndian)).toBe(4_294_967_295);
      expect(reader.readInt32(littleEndian)).toBe(-2_147_483_648);
      expect(reader.readBigUint64(littleEndian)).toBe(2n ** 64n - 1n);
      expect(reader.readBigInt64(littleEndian)).toBe(-(2n ** 63n));
      expect(reader.readFloat32(littleEndian)).toBe(1.5);
      expect(Object.is(reader.readFloat64(littleEndian), -0)).toBe(true);
      expect(reader.remaining).toBe(0);
    }
  });

  test('varints have the bytes of Protocol Buffers and read back', () => {
    const known: [number, string][] = [
      [0, '00'],
      [1, '01'],
      [127, '7f'],
      [128, '8001'],
      [150, '9601'],
      [300, 'ac02'],
      [2 ** 28 - 1, 'ffffff7f'],
      [2 ** 28, '8080808001'],
      [2 ** 32, '8080808010'],
      [Number.MAX_SAFE_INTEGER, 'ffffffffffffff0f'],
    ];
    for (const [value, hex] of known) {
      const out = BytesMut.withCapacity(0);
      out.putVarUint(value);
      expect(out.toHex()).toBe(hex);
      expect(new BytesReader(out.freeze()).readVarUint()).toBe(value);
    }
    const signed = [
      0,
      -1,
      1,
      -2,
      2 ** 52 - 1,
      2 ** 52,
      -(2 ** 52),
      -(2 ** 52) - 1,
      Number.MAX_SAFE_INTEGER,
      Number.MIN_SAFE_INTEGER,
    ];
    const out = BytesMut.withCapacity(0);
    for (const value of signed) out.putVarInt(value);
    const wide = [0n, -1n, 2n ** 63n - 1n, -(2n ** 63n)];
    for (const value of wide) out.putVarInt64(value);
    out.putVarUint64(2n ** 64n - 1n);
    const reader = new BytesReader(out.freeze());
    expect(signed.map(() => reader.readVarInt())).toEqual(signed);
    expect(wide.map(() => reader.readVarInt64())).toEqual(wide);
    expect(reader.readVarUint64()).toBe(2n ** 64n - 1n);
  });

  test('varints take what room is left, up to the limit', () => {
    const short = BytesMut.withCapacity(0, { maxBytes: 4 });
    short.putVarUint(300);
    short.putVarInt(-1);
    short.putVarUint64(127n);
    expect(short.toHex()).toBe('ac02017f');
    expect(() => short.putVarUint(0)).toThrow(code('CAPACITY'));
    for (let bits = 0n; bits <= 64n; bits++) {
      for (const value of [2n ** bits - 1n, 2n ** bits]) {
        if (value >= 2n ** 64n) continue;
        const free = BytesMut.withCapacity(0);
        free.putVarUint64(value);
        const exact = BytesMut.withCapacity(0, { maxBytes: free.length });
        exact.putVarUint64(value);
        expect(exact.toHex()).toBe(free.toHex());
        if (value > BigInt(Number.MAX_SAFE_INTEGER)) continue;
        exact.clear();
        exact.putVarUint(Number(value));
        expect(exact.toHex()).toBe(free.toHex());
        const tight = BytesMut.withCapacity(0, { maxBytes: free.length - 1 });
        expect(() => tight.putVarUint(Number(value))).toThrow(code('CAPACITY'));
        expect(tight.length).toBe(0);
      }
    }
  });

  test('malformed varints are errors that do not move the reader', () => {
    for (const hex of ['', '80', 'ffffffffffffff1f', 'ffffffffffffffffffff01']) {
      const reader = new BytesReader(Bytes.fromHex(hex));
      expect(() => reader.readVarUint(), hex).toThrow(code('ENCODING'));
      expect(reader.position).toBe(0);
    }
    for (const hex of ['80', 'ffffffffffffffffff02', '8080808080808080808001']) {
      expect(() => new BytesReader(Bytes.fromHex(hex)).readVarUint64(), hex).toThrow(code('ENCODING'));
    }
    const tooLong = new BytesReader(Bytes.fromHex('ffffffffffffffffff01'));
    expect(() => tooLong.readVarInt()).toThrow(code('ENCODING'));
    expect(tooLong.position).toBe(0);
  });

  test('text is encoded in place, whatever its length and however little room there is', () => {
    const texts = [
      '',
      'a',
      'é',
      '日本',
      '🎉',
      '\ud800',
      'x'.repeat(23),
      'x'.repeat(24) + 'é',
      'é'.repeat(1000),
      'short é',
    ];
    for (const capacity of [0, 1, 64, 10_000]) {
      const out = BytesMut.withCapacity(capacity);
      for (const text of texts) expect(out.putUtf8(text)).toBe(Buffer.byteLength(text));
      expect(out.toHex()).toBe(Buffer.from(texts.join('\n').replaceAll('\n', '')).toString('hex'));
    }
  });

  test('a value that does not fit is refused and nothing is written', () => {
    const out = BytesMut.withCapacity(64);
    const puts: (() => void)[] = [
      () => out.putUint8(256),
      () => out.putUint8(-1),
      () => out.putUint8(1.5),
      () => out.putInt8(128),
      () => out.putUint16(65_536),
      () => out.putInt16(-32_769),
      () => out.putUint32(2 ** 32),
      () => out.putInt32(2 ** 31),
      () => out.putBigUint64(-1n),
      () => out.putBigInt64(2n ** 63n),
      () => out.putVarUint(-1),
      () => out.putVarUint(2 ** 53),
      () => out.putVarInt(-(2 ** 53)),
      () => out.putVarUint64(2n ** 64n),
      () => out.putFill(256, 1),
      () => out.putFill(0, -1),
      () => out.setUint8(0, 1),
      () => out.reserve(NaN),
      () => out.reserve(-1),
      () => out.truncate(1),
      () => out.advance(1),
      () => out.commit(65),
      () => out.splitTo(1),
      () => out.splitOff(-1),
    ];
    for (const put of puts) expect(put, String(put)).toThrow(code('ARGUMENT_RANGE'));
    const types: (() => void)[] = [
      () => out.putUint8('1' as never),
      () => out.putBigInt64(1 as never),
      () => out.putFloat64('1' as never),
      () => out.putUtf8(1 as never),
      () => out.putBytes([1] as never),
      () => out.tryUnsplit(out),
      () => out.tryUnsplit({} as never),
    ];
    for (const put of types) expect(put, String(put)).toThrow(code('ARGUMENT_TYPE'));
    expect(out.length).toBe(0);
    for (const size of [-1, 0.5, NaN, 2 ** 31]) {
      expect(() => BytesMut.withCapacity(size)).toThrow(code('ARGUMENT_RANGE'));
    }
  });

  test('maxBytes holds: what goes beyond is refused and the content stays', () => {
    const out = BytesMut.withCapacity(0, { maxBytes: 10 });
    out.putUtf8('123456789');
    expect(() => out.putUint16(1)).toThrow(code('CAPACITY'));
    expect(() => out.reserve(2)).toThrow(code('CAPACITY'));
    out.putUint8(48);
    expect(out.toUtf8()).toBe('1234567890');
    expect(out.capacity).toBe(10);
  });

  test('maxBytes holds on a block that is larger', () => {
    const limit = { maxBytes: 10 };
    const lease = { bytes: Buffer.alloc(100), release() {} };
    const [empty, large] = [BytesMut.withCapacity(0, limit), BytesMut.withCapacity(100)];
    empty.unsplit(large);
    const adopted = BytesMut.adopt(new Uint8Array(100), limit);
    expect(adopted.capacity).toBe(100);
    adopted.advance(95);
    for (const out of [BytesMut.fromLease(lease, limit), empty, adopted]) {
      expect(() => out.putFill(1, 11)).toThrow(code('CAPACITY'));
      out.putFill(1, 10 - out.length);
      expect(() => out.putUint8(1)).toThrow(code('CAPACITY'));
      expect(out.tryReclaim(1)).toBe(false);
      expect(out).toHaveLength(10);
    }
  });

  test('growing is amortised: a million appended bytes are copied less than twice each', () => {
    const copied = copiedBy(() => {
      const out = BytesMut.withCapacity(0);
      for (let i = 0; i < 1_000_000; i++) out.putUint8(i & 0xff);
    });
    expect(copied).toBeLessThan(2_000_000);
  });

  test('new capacity reads as zeros', () => {
    const out = BytesMut.withCapacity(4);
    out.putUint8(1);
    out.spare(1000);
    out.commit(100);
    expect(out.toHex()).toBe(`01${'00'.repeat(100)}`);
  });

  test('its own bytes can be appended, across growth', () => {
    const out = BytesMut.withCapacity(3);
    out.putUtf8('abc');
    out.putBytes(out);
    out.putBytes(out);
    expect(out.toUtf8()).toBe('abcabcabcabc');
  });

  test('lengths are filled in afterwards', () => {
    const out = BytesMut.withCapacity(0);
    out.putUint32(0);
    out.putUtf8('payload');
    out.setUint32(0, out.length - 4);
    out.setUint16(4, 0x5050, true);
    out.setUint8(6, 0x59);
    expect(out.getUint32(0)).toBe(7);
    expect(out.toUtf8Range(4, 11)).toBe('PPYload');
    expect(() => out.setUint32(8, 1)).toThrow(code('ARGUMENT_RANGE'));
  });
});

describe('splitting and joining', () => {
  test('split, write both, unsplit: no copy', () => {
    const out = BytesMut.withCapacity(100);
    out.putUtf8('hello world');
    const copied = copiedBy(() => {
      const head = out.splitTo(5);
      head.setUint8(0, 0x48);
      out.setUint8(1, 0x57);
      expect(head.toUtf8()).toBe('Hello');
      expect(out.toUtf8()).toBe(' World');
      head.unsplit(out);
      expect(head.toUtf8()).toBe('Hello World');
      expect(head.capacity).toBe(100);
      expect(head.handleCount).toBe(1);
      expect(out.isReleased).toBe(true);
      const tail = head.splitOff(5);
      expect(head.capacity).toBe(5);
      head.release();
      expect(tail.freeze().toUtf8()).toBe(' World');
    });
    expect(copied).toBe(0);
  });

  test('tryUnsplit fails rather than copies, and leaves both as they were', () => {
    const a = BytesMut.withCapacity(10);
    a.putUtf8('abc');
    const b = BytesMut.withCapacity(10);
    b.putUtf8('def');
    expect(a.tryUnsplit(b)).toBe(false);
    expect([a.toUtf8(), b.toUtf8()]).toEqual(['abc', 'def']);
    expect(copiedBy(() => a.unsplit(b))).toBe(3);
    expect(a.toUtf8()).toBe('abcdef');
    expect(b.isReleased).toBe(true);
  });

  test('a head that grew away is no neighbour any more', () => {
    const tail = BytesMut.withCapacity(8);
    tail.putUtf8('abcdefgh');
    const head = tail.splitTo(4);
    head.putUtf8('XX');
    expect(head.tryUnsplit(tail)).toBe(false);
    head.unsplit(tail);
    expect(head.toUtf8()).toBe('abcdXXefgh');
  });

  test('parts of one block that are not neighbours, or in the wrong order, are not joined without a copy', () => {
    const c = BytesMut.withCapacity(6);
    c.putUtf8('aabbcc');
    const a = c.splitTo(2);
    const b = c.splitTo(2);
    expect(a.tryUnsplit(c)).toBe(false);
    expect(b.tryUnsplit(a)).toBe(false);
    expect([a, b, c].map(String)).toEqual(['aa', 'bb', 'cc']);
    expect(a.tryUnsplit(b)).toBe(true);
    expect(a.tryUnsplit(c)).toBe(true);
    expect(a.toUtf8()).toBe('aabbcc');
  });

  test('joining beyond maxBytes is refused without loss', () => {
    const a = BytesMut.withCapacity(4, { maxBytes: 4 });
    a.putUtf8('abc');
    const b = BytesMut.withCapacity(4);
    b.putUtf8('de');
    expect(() => a.unsplit(b)).toThrow(code('CAPACITY'));
    expect([a.toUtf8(), b.toUtf8()]).toEqual(['abc', 'de']);
  });

  test('a half cannot write into the other', () => {
    const out = BytesMut.withCapacity(16);
    out.putUtf8('12345678');
    const head = out.splitTo(4);
    head.putUtf8('abcdefghij');
    expect(head.toUtf8()).toBe('1234abcdefghij');
    expect(out.toUtf8()).toBe('5678');
  });

  test('room that other handles left is taken back instead of allocating', () => {
    const out = BytesMut.withCapacity(1000);
    out.putFill(1, 900);
    const frozen = out.split().freeze();
    expect(out.tryReclaim(500)).toBe(false);
    frozen.release();
    expect(out.tryReclaim(500)).toBe(true);
    expect(out.capacity).toBe(1000);
    expect(out.tryReclaim(1001)).toBe(false);
  });

  test('a queue that is consumed in front stays at its capacity', () => {
    const queue = BytesMut.withCapacity(64);
    for (let i = 0; i < 10_000; i++) {
      queue.putUint32(i);
      if (queue.getUint32(0) !== i) throw new Error(`${i} was lost`);
      queue.advance(4);
    }
    expect(queue.capacity).toBeLessThanOrEqual(64);
  });

  test('a full queue is not moved to the front for every byte that leaves it', () => {
    const queue = BytesMut.withCapacity(1000);
    queue.putFill(1, 1000);
    const copied = copiedBy(() => {
      for (let i = 0; i < 10_000; i++) {
        queue.advance(1);
        queue.putUint8(1);
      }
    });
    expect(queue.length).toBe(1000);
    expect(copied).toBeLessThan(30_000);
  });

  test('reclaim needs the only handle', () => {
    const bytes = Bytes.from('abc');
    const clone = bytes.clone();
    expect(BytesMut.reclaim(bytes)).toBeUndefined();
    clone.release();
    const mutable = BytesMut.reclaim(bytes)!;
    mutable.putUtf8('d');
    expect(mutable.toUtf8()).toBe('abcd');
    expect(() => bytes.toUtf8()).toThrow(code('BYTES_RELEASED'));
  });
});

describe('where the memory comes from', () => {
  test('a lease is the capacity, and goes back to the pool when growth leaves it', () => {
    const pool = createPool({ blockSize: 64, maxBlocks: 1 });
    const out = BytesMut.fromLease(pool.tryAcquire()!);
    expect(out.capacity).toBe(64);
    out.putFill(7, 64);
    expect(pool.tryAcquire()).toBeUndefined();
    out.putUint8(8);
    const lease = pool.tryAcquire();
    expect(lease).toBeDefined();
    expect(out.toHex()).toBe(`${'07'.repeat(64)}08`);
    lease!.release();
    pool.destroy();
  });

  test('its own bytes can be appended although the pool clears the block that growth leaves', () => {
    const pool = createPool({ blockSize: 8, maxBlocks: 1, clear: 'on-release' });
    const out = BytesMut.fromLease(pool.tryAcquire()!);
    out.putUtf8('abcdefgh');
    out.putBytes(out);
    expect(out.toUtf8()).toBe('abcdefghabcdefgh');
    pool.destroy();
  });

  test('shared memory grows in the heap and is all returned', () => {
    const used = heap().stats().usedBlockCount;
    const out: BytesMut<SharedArrayBuffer> = BytesMut.withCapacity(10, { shared: true });
    for (let i = 0; i < 1000; i++) out.putUint32(i);
    expect(out.toUint8Array().buffer).toBe(heap().memory.buffer);
    expect(heap().stats().usedBlockCount).toBe(used + 1);
    out.freeze().release();
    expect(heap().stats().usedBlockCount).toBe(used);
  });

  test('a used-up handle throws, whatever used it up', () => {
    const make = () => BytesMut.withCapacity(10);
    const ends: ((out: BytesMut) => void)[] = [
      (out) => out.release(),
      (out) => out.freeze(),
      (out) => make().unsplit(out),
    ];
    for (const end of ends) {
      const out = make();
      end(out);
      const uses: (() => unknown)[] = [
        () => out.putUint8(1),
        () => out.putUtf8(''),
        () => out.reserve(0),
        () => out.split(),
        () => out.freeze(),
        () => out.release(),
        () => out.spare(),
        () => out.tryReclaim(0),
        () => out.clear(),
        () => out.toUint8Array(),
      ];
      for (const use of uses) expect(use, `${String(end)} ${String(use)}`).toThrow(code('BYTES_RELEASED'));
      out[Symbol.dispose]();
    }
  });
});

describe('reading into it', () => {
  test('every use during a read is refused, and dispose waits for it', async () => {
    let finish: ((result: { bytesRead: number }) => void) | undefined;
    const source: ReadsInto = { read: () => new Promise((resolve) => (finish = resolve)) };
    const out = BytesMut.withCapacity(100);
    const reading = out.readFrom(source, { minSpareBytes: 10 });
    const uses = [() => out.putUint8(1), () => out.toHex(), () => out.split(), () => out.release()];
    for (const use of uses) expect(use).toThrow(code('BYTES_BORROWED'));
    await expect(out.readFrom(source)).rejects.toThrow(code('BYTES_BORROWED'));
    out[Symbol.dispose]();
    finish!({ bytesRead: 3 });
    expect(await reading).toBe(3);
    expect(() => out.toHex()).toThrow(code('BYTES_RELEASED'));
  });

  test('a failed read gives the handle back as it was', async () => {
    const out = BytesMut.withCapacity(100);
    out.putUtf8('kept');
    const cause = new Error('disk');
    await expect(out.readFrom({ read: () => Promise.reject(cause) })).rejects.toBe(cause);
    await expect(out.readFrom({ read: async () => ({ bytesRead: -1 }) })).rejects.toThrow(
      code('ARGUMENT_RANGE'),
    );
    expect(out.toUtf8()).toBe('kept');
    await expect(out.readFrom({} as ReadsInto)).rejects.toThrow(code('ARGUMENT_TYPE'));
    await expect(
      out.readFrom({ read: async () => ({ bytesRead: 0 }) }, { minSpareBytes: 0 }),
    ).rejects.toThrow(code('ARGUMENT_RANGE'));
  });

  test('a byte stream fills the spare capacity itself: nothing is copied', async () => {
    let round = 0;
    const stream = new ReadableStream({
      type: 'bytes',
      pull(controller) {
        const request = controller.byobRequest!;
        const view = request.view as Uint8Array;
        if (round++ === 3) {
          controller.close();
          request.respond(0);
          return;
        }
        view.set([round, round]);
        request.respond(2);
      },
    });
    const out = BytesMut.withCapacity(100);
    out.putUtf8('>');
    const reader = stream.getReader({ mode: 'byob' });
    const before = payloadBytesCopied();
    let total = 0;
    for (;;) {
      const read = await out.readByob(reader, { minSpareBytes: 10 });
      if (read === 0) break;
      total += read;
    }
    expect(total).toBe(6);
    expect(out.toHex()).toBe('3e010102020303');
    expect(payloadBytesCopied()).toBe(before);
    expect(out.capacity).toBe(100);
  });

  test('a byte stream cannot take memory that others hold', async () => {
    const reader = { read: () => Promise.reject(new Error('not called')) };
    const out = BytesMut.withCapacity(100);
    out.putUtf8('ab');
    const half = out.splitTo(1);
    await expect(out.readByob(reader, { minSpareBytes: 1 })).rejects.toThrow(code('NOT_TRANSFERABLE'));
    half.release();
    const cancelled = {
      async read({ buffer }: Uint8Array<ArrayBuffer>) {
        structuredClone(buffer, { transfer: [buffer] });
        return { done: true, value: undefined };
      },
    };
    await expect(out.readByob(cancelled, { minSpareBytes: 1 })).rejects.toThrow(code('BUFFER_DETACHED'));
    expect(() => out.toHex()).toThrow(code('BYTES_RELEASED'));
  });

  test('a byte stream that takes no buffer leaves the bytes so far', async () => {
    const out = BytesMut.withCapacity(100);
    out.putUtf8('kept');
    const chunks = new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array([7])) });
    await expect(out.readByob(chunks.getReader() as never)).rejects.toThrow(code('ARGUMENT_TYPE'));
    const cause = new Error('gone before');
    const failed = new ReadableStream({ type: 'bytes', start: (controller) => controller.error(cause) });
    await expect(out.readByob(failed.getReader({ mode: 'byob' }))).rejects.toBe(cause);
    expect(out.toUtf8()).toBe('kept');
  });
});
