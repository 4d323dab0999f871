import { Buffer } from 'node:buffer';
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { Bytes, type BytesLease, BytesMut, createPool, heap, payloadBytesCopied } from '@hotpath/memory';

const code = (name: string) => expect.objectContaining({ code: `ERR_HOTPATH_MEMORY_${name}` });
const u8 = (...values: number[]) => Uint8Array.from(values);

describe('making', () => {
  test('adopts without a copy: the array and the bytes are the same memory', () => {
    const array = u8(1, 2, 3);
    const bytes = Bytes.adopt(array);
    array[1] = 9;
    expect([...bytes]).toEqual([1, 9, 3]);
    expect(bytes.toUint8Array().buffer).toBe(array.buffer);
  });

  test('copyFrom is independent of its source', () => {
    const array = u8(1, 2, 3);
    const bytes = Bytes.copyFrom(array);
    array[1] = 9;
    expect([...bytes]).toEqual([1, 2, 3]);
  });

  test('encodes and decodes text as Buffer does, lone surrogates included', () => {
    for (const text of ['', 'plain', 'héllo 日本 🎉', '\ud800x', '\u0000']) {
      const bytes = Bytes.from(text);
      const buffer = Buffer.from(text);
      expect(bytes.toHex()).toBe(buffer.toString('hex'));
      expect(bytes.toUtf8()).toBe(buffer.toString());
      expect(bytes.toBase64()).toBe(buffer.toString('base64'));
      expect(bytes.toBase64Url()).toBe(buffer.toString('base64url'));
      expect(bytes.toString()).toBe(buffer.toString());
    }
  });

  test('decodes hex and base64 strictly', () => {
    expect(Bytes.fromHex('00Ff10').equals(u8(0, 255, 16))).toBe(true);
    for (const text of ['AAECAw==', 'AAECAw', '_-8=', '/+8', '', 'AAEC']) {
      expect(Bytes.fromBase64(text).toHex()).toBe(Buffer.from(text, 'base64').toString('hex'));
    }
    for (const text of ['0', 'zz', '0g', '00 1']) {
      expect(() => Bytes.fromHex(text)).toThrow(code('ENCODING'));
    }
    for (const text of ['A', 'AA*A', 'AAA=AAAA', 'AAEC ', '====', 'A===']) {
      expect(() => Bytes.fromBase64(text), text).toThrow(code('ENCODING'));
    }
  });

  test('fatal decoding refuses invalid UTF-8, lenient decoding replaces it', () => {
    const bytes = Bytes.adopt(u8(0x61, 0xff));
    expect(bytes.toUtf8()).toBe('a\ufffd');
    expect(() => bytes.toUtf8({ fatal: true })).toThrow(code('ENCODING'));
    expect(Bytes.from('\ufeffé').toUtf8({ fatal: true })).toBe('\ufeffé');
  });

  test('concat joins chunks of every kind, and copies nothing for a single Bytes', () => {
    const part = Bytes.from('cd');
    expect(Bytes.concat([Buffer.from('ab'), part, u8()]).toUtf8()).toBe('abcd');
    expect(part.isReleased).toBe(false);
    const before = payloadBytesCopied();
    const single = Bytes.concat([part]);
    expect(payloadBytesCopied() - before).toBe(0);
    expect(single.toUint8Array().buffer).toBe(part.toUint8Array().buffer);
    expect(Bytes.concat([]).length).toBe(0);
    expect(Bytes.concat(new Set([u8(1), u8(2)])).toHex()).toBe('0102');
  });

  test('shared bytes live in the heap and give their block back', () => {
    const used = heap().stats().usedBlockCount;
    const bytes: Bytes<SharedArrayBuffer> = Bytes.from('shared', { shared: true });
    expect(bytes.toUint8Array().buffer).toBeInstanceOf(SharedArrayBuffer);
    expect(heap().stats().usedBlockCount).toBe(used + 1);
    const copy: Bytes = bytes.copy();
    expect(copy.toUint8Array().buffer).toBeInstanceOf(ArrayBuffer);
    expect(bytes.equals(copy)).toBe(true);
    bytes.release();
    expect(heap().stats().usedBlockCount).toBe(used);
  });
});

describe('ownership', () => {
  test('the callback runs once, at the last release, in whatever order handles go', () => {
    let freed = 0;
    const a = Bytes.adopt(u8(1, 2, 3, 4), () => freed++);
    const b = a.clone();
    const c = b.slice(1, 3);
    const d = a.splitTo(2);
    expect(a.handleCount).toBe(4);
    a.release();
    c.release();
    b.release();
    expect(freed).toBe(0);
    expect([...d]).toEqual([1, 2]);
    d.release();
    expect(freed).toBe(1);
  });

  test('every use after release throws, and so does a second release', () => {
    const bytes = Bytes.from('gone');
    const other = bytes.clone();
    bytes.release();
    const uses: ((b: Bytes) => unknown)[] = [
      (b) => b.release(),
      (b) => b.clone(),
      (b) => b.slice(0, 0),
      (b) => b.splitTo(0),
      (b) => b.splitOff(0),
      (b) => b.copy(),
      (b) => b.toUint8Array(),
      (b) => b.toBuffer(),
      (b) => b.toMessage(),
      (b) => b.equals(other),
      (b) => other.equals(b),
      (b) => b.compare(other),
      (b) => b.indexOf(0),
      (b) => b.includes('g'),
      (b) => b.startsWith(''),
      (b) => b.endsWith(''),
      (b) => b.hash(),
      (b) => b.toUtf8(),
      (b) => b.toUtf8Range(0, 0),
      (b) => b.toHex(),
      (b) => b.toBase64(),
      (b) => b.getUint8(0),
      (b) => b.getFloat64(0),
      (b) => [...b],
      (b) => [...b.views()],
      (b) => b.handleCount,
      (b) => Bytes.concat([b]),
      (b) => Bytes.copyFrom(b),
      (b) => BytesMut.reclaim(b),
    ];
    for (const use of uses) expect(() => use(bytes), String(use)).toThrow(code('BYTES_RELEASED'));
    expect(bytes.length).toBe(0);
    expect(inspect(bytes)).toBe('Bytes(released)');
    bytes[Symbol.dispose]();
    expect(other.toUtf8()).toBe('gone');
  });

  test('takes a lease over: the lease is moved, and the last release returns the block', () => {
    const pool = createPool({ blockSize: 64, maxBlocks: 1 });
    const lease = pool.tryAcquire()!;
    lease.bytes.write('hello');
    const bytes = Bytes.fromLease(lease, 5);
    expect(() => lease.release()).toThrow(code('LEASE_RELEASED'));
    const part = bytes.slice(1);
    bytes.release();
    expect(pool.tryAcquire()).toBeUndefined();
    expect(part.toUtf8()).toBe('ello');
    part.release();
    const again = pool.tryAcquire()!;
    expect(again).toBeDefined();
    again.release();
    pool.destroy();
  });

  test('a refused lease stays with its holder', () => {
    let isReleased = false;
    const lease: BytesLease = { bytes: u8(1), release: () => (isReleased = true) };
    expect(() => Bytes.fromLease(lease, 2)).toThrow(code('ARGUMENT_RANGE'));
    expect(isReleased).toBe(false);
    for (const wrong of [null, 1, {}, { bytes: [], release() {} }, { bytes: u8() }]) {
      expect(() => Bytes.fromLease(wrong as unknown as BytesLease)).toThrow(code('ARGUMENT_TYPE'));
    }
  });
});

describe('no payload is copied', () => {
  test('cloning, slicing, splitting, viewing, freezing, listing: 0 of 10 MB', () => {
    const payload = new Uint8Array(10_000_000);
    const before = payloadBytesCopied();
    const seen: number[] = [];
    const spied = spyOnCopies(seen, () => {
      const bytes = Bytes.adopt(payload);
      const clone = bytes.clone();
      const head = clone.splitTo(1_000_000);
      const tail = head.splitOff(10);
      const slice = tail.slice(100, 900_000);
      const mutable = BytesMut.reclaim(Bytes.adopt(payload))!;
      const front = mutable.splitTo(5_000_000);
      front.unsplit(mutable);
      const frozen = front.freeze();
      const all = [bytes, clone, head, tail, slice, frozen].map((handle) => handle.toBuffer());
      for (const view of all) expect(view.buffer).toBe(payload.buffer);
    });
    expect(spied).toBe(true);
    expect(seen).toEqual([]);
    expect(payloadBytesCopied() - before).toBe(0);
  });

  test('the counter counts: what is copied is there to the byte', () => {
    const before = payloadBytesCopied();
    const bytes = Bytes.copyFrom(new Uint8Array(1000));
    expect(payloadBytesCopied() - before).toBe(1000);
    bytes.slice(0, 10).copy();
    expect(payloadBytesCopied() - before).toBe(1010);
    Bytes.concat([bytes, bytes]);
    expect(payloadBytesCopied() - before).toBe(3010);
  });
});

describe('bad input', () => {
  test('ranges are not clamped', () => {
    const bytes = Bytes.from('hello');
    const ranges: [number, number?][] = [
      [-1],
      [6],
      [1.5],
      [NaN],
      [0, 6],
      [3, 2],
      [0, Infinity],
      [0, 2 ** 40],
    ];
    for (const range of ranges) {
      expect(() => bytes.slice(...range), String(range)).toThrow(code('ARGUMENT_RANGE'));
    }
    for (const at of [-1, 6, 0.5, NaN, '1' as unknown as number]) {
      expect(() => bytes.splitTo(at)).toThrow(code('ARGUMENT_RANGE'));
      expect(() => bytes.splitOff(at)).toThrow(code('ARGUMENT_RANGE'));
    }
    expect(bytes.toUtf8()).toBe('hello');
    expect(bytes.handleCount).toBe(1);
    expect(bytes.slice(5).length).toBe(0);
  });

  test('readers refuse what is not wholly inside, at the ends of the slice and not of the block', () => {
    const bytes = Bytes.adopt(u8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9)).slice(1, 9);
    expect(bytes.getUint8(7)).toBe(8);
    for (const read of [() => bytes.getUint8(8), () => bytes.getUint16(7), () => bytes.getFloat64(1)]) {
      expect(read).toThrow(code('ARGUMENT_RANGE'));
    }
    for (const offset of [-1, 0.5, NaN]) expect(() => bytes.getUint8(offset)).toThrow(code('ARGUMENT_RANGE'));
  });

  test('wrong types are named', () => {
    const wrongs: unknown[] = [
      null,
      undefined,
      'text',
      [1],
      new DataView(new ArrayBuffer(1)),
      new Uint16Array(1),
    ];
    for (const wrong of wrongs) {
      expect(() => Bytes.adopt(wrong as Uint8Array)).toThrow(code('ARGUMENT_TYPE'));
      expect(() => Bytes.copyFrom(wrong as Uint8Array)).toThrow(code('ARGUMENT_TYPE'));
      expect(() => Bytes.from('a').compare(wrong as Uint8Array)).toThrow(code('ARGUMENT_TYPE'));
      expect(() => Bytes.concat([wrong as Uint8Array])).toThrow(code('ARGUMENT_TYPE'));
    }
    expect(() => Bytes.from(1 as unknown as string)).toThrow(code('ARGUMENT_TYPE'));
    expect(() => Bytes.concat(7 as unknown as Uint8Array[])).toThrow(code('ARGUMENT_TYPE'));
    expect(() => Bytes.adopt(u8(), 1 as unknown as () => void)).toThrow(code('ARGUMENT_TYPE'));
    expect(() => Bytes.from('a').indexOf(256)).toThrow(code('ARGUMENT_RANGE'));
    expect(() => Bytes.from('a').hash(-1)).toThrow(code('ARGUMENT_RANGE'));
    expect(() => Bytes.fromMessage({} as never)).toThrow(code('ARGUMENT_TYPE'));
  });

  test('a resizable buffer is refused', () => {
    const Resizable = ArrayBuffer as unknown as new (n: number, o: { maxByteLength: number }) => ArrayBuffer;
    const array = new Uint8Array(new Resizable(8, { maxByteLength: 16 }));
    expect(() => Bytes.adopt(array)).toThrow(code('RESIZABLE_BUFFER'));
  });

  test('a buffer that was transferred underneath is noticed by everything that touches the payload', () => {
    const array = u8(1, 2, 3, 4);
    const bytes = Bytes.adopt(array);
    structuredClone(array.buffer, { transfer: [array.buffer] });
    const uses: ((b: Bytes) => unknown)[] = [
      (b) => b.toUint8Array(),
      (b) => b.getUint8(0),
      (b) => b.getUint16(0),
      (b) => b.toHex(),
      (b) => b.equals(u8(1)),
      (b) => b.copy(),
      (b) => b.hash(),
      (b) => b.toMessage(),
    ];
    for (const use of uses) expect(() => use(bytes), String(use)).toThrow(code('BUFFER_DETACHED'));
    bytes.clone().release();
    bytes.release();
  });
});

describe('reading', () => {
  test('numbers in both byte orders, as DataView reads them', () => {
    const array = u8(0xff, 0x80, 0x01, 0x02, 0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54);
    const bytes = Bytes.adopt(array).slice(1);
    const view = new DataView(array.buffer, 1);
    for (const littleEndian of [false, true]) {
      expect(bytes.getUint16(0, littleEndian)).toBe(view.getUint16(0, littleEndian));
      expect(bytes.getInt16(0, littleEndian)).toBe(view.getInt16(0, littleEndian));
      expect(bytes.getUint32(1, littleEndian)).toBe(view.getUint32(1, littleEndian));
      expect(bytes.getInt32(3, littleEndian)).toBe(view.getInt32(3, littleEndian));
      expect(bytes.getBigUint64(1, littleEndian)).toBe(view.getBigUint64(1, littleEndian));
      expect(bytes.getBigInt64(1, littleEndian)).toBe(view.getBigInt64(1, littleEndian));
      expect(bytes.getFloat32(2, littleEndian)).toBe(view.getFloat32(2, littleEndian));
      expect(bytes.getFloat64(1, littleEndian)).toBe(view.getFloat64(1, littleEndian));
    }
    expect(bytes.getInt8(0)).toBe(-128);
  });

  test('xxHash32 of the published vectors, any offset', () => {
    expect(Bytes.from('').hash()).toBe(0x02cc5d05);
    expect(Bytes.from('').hash(0x9e3779b1)).toBe(0x36b78ae7);
    expect(Bytes.from('abc').hash()).toBe(0x32d153ff);
    expect(Bytes.from('Nobody inspects the spammish repetition').hash()).toBe(0xe2293b2f);
    expect(Bytes.from('xNobody inspects the spammish repetitionx').slice(1, 40).hash()).toBe(0xe2293b2f);
  });

  test('searches and compares inside its own range only', () => {
    const bytes = Bytes.from('aXbcXd').slice(1, 5);
    expect(bytes.indexOf('X')).toBe(0);
    expect(bytes.indexOf('X', 1)).toBe(3);
    expect(bytes.indexOf('d')).toBe(-1);
    expect(bytes.indexOf('Xd')).toBe(-1);
    expect(bytes.indexOf(0x62)).toBe(1);
    expect(bytes.indexOf(Bytes.from('bc'))).toBe(1);
    expect(bytes.includes('a')).toBe(false);
    expect(bytes.startsWith('Xb')).toBe(true);
    expect(bytes.startsWith('aX')).toBe(false);
    expect(bytes.endsWith(Buffer.from('cX'))).toBe(true);
    expect(bytes.endsWith('Xd')).toBe(false);
    expect(bytes.startsWith('XbcXd')).toBe(false);
    expect(bytes.compare(Bytes.from('XbcX'))).toBe(0);
    expect(bytes.compare(Bytes.from('XbcXa'))).toBe(-1);
    expect(bytes.compare(Bytes.from('Xa'))).toBe(1);
  });

  test('views cover the bytes in order', () => {
    const bytes = Bytes.from('abcdefg').slice(1);
    expect([...bytes.views(4)].map((view) => Buffer.from(view).toString())).toEqual(['bcde', 'fg']);
    expect(() => [...bytes.views(0)]).toThrow(code('ARGUMENT_RANGE'));
  });

  test('inspect shows length and first bytes', () => {
    expect(inspect(Bytes.from('hi'))).toBe('Bytes(2) <6869>');
    expect(inspect(Bytes.adopt(new Uint8Array(100)))).toBe(`Bytes(100) <${'00'.repeat(32)}…>`);
  });
});

/** Watches, for the time of `run`, everything in the language and in Node that copies bytes between buffers. */
function spyOnCopies(seen: number[], run: () => void): boolean {
  const typed = Object.getPrototypeOf(Uint8Array.prototype) as Record<string, unknown>;
  const places: [Record<string, unknown>, string][] = [
    [typed, 'set'],
    [typed, 'slice'],
    [typed, 'copyWithin'],
    [typed, 'fill'],
    [ArrayBuffer.prototype as unknown as Record<string, unknown>, 'slice'],
    [Buffer.prototype as Record<string, unknown>, 'copy'],
    [Buffer as unknown as Record<string, unknown>, 'concat'],
  ];
  const originals = places.map(([object, name]) => object[name] as (...args: unknown[]) => unknown);
  let isWatching = false;
  for (const [index, [object, name]] of places.entries()) {
    object[name] = function spy(this: { byteLength?: number }, ...args: unknown[]): unknown {
      if (isWatching) seen.push(this.byteLength ?? -1);
      return originals[index]!.apply(this, args);
    };
  }
  try {
    isWatching = true;
    run();
    isWatching = false;
    // The spies work.
    const before = seen.length;
    isWatching = true;
    new Uint8Array(4).set([1]);
    isWatching = false;
    return seen.splice(before).length === 1;
  } finally {
    isWatching = false;
    for (const [index, [object, name]] of places.entries()) object[name] = originals[index];
  }
}
