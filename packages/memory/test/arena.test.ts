import { describe, expect, test } from 'vitest';
import { Arena, type ArenaHandle, type ArenaMark, type ElementType, heap, withArena } from '@hotpath/memory';

const code = (name: string) => expect.objectContaining({ code: `ERR_HOTPATH_MEMORY_${name}` });
const ALL: ElementType[] = ['u8', 'i8', 'u16', 'i16', 'u32', 'i32', 'f32', 'f64', 'u64', 'i64'];

describe('allocating', () => {
  test('every element type is aligned, indexed by its own array and seen by its view', () => {
    using arena = new Arena({ chunkBytes: 1024 });
    for (const type of ALL) {
      arena.allocate(1, 1);
      const handle = arena.allocateOf(type, 3);
      const index = arena.indexOf(type, handle);
      const value = type.endsWith('64') && type !== 'f64' ? 5n : 5;
      (arena[type] as unknown as Record<number, unknown>)[index + 1] = value;
      expect(arena.view(type, handle, 3)[1]).toBe(value);
    }
    const view = arena.allocateView('f32', 4);
    view.fill(2);
    expect([...view]).toEqual([2, 2, 2, 2]);
    expect(arena.offsetOf(arena.allocate(1, 64)) % 64).toBe(0);
  });

  test('allocations never overlap, whatever chunks they fall in', () => {
    using arena = new Arena({ chunkBytes: 1024 });
    const sizes = [1024, 2048, 512, 1, 0, 700, 700, 5000, 3];
    const handles = sizes.map((size) => arena.allocate(size));
    for (const [i, handle] of handles.entries()) arena.fill(handle, sizes[i]!, i + 1);
    for (const [i, handle] of handles.entries()) {
      expect(new Set(arena.view('u8', handle, sizes[i]!))).toEqual(new Set(sizes[i] === 0 ? [] : [i + 1]));
    }
  });

  test('fill writes exactly its bytes, at any alignment and value', () => {
    using arena = new Arena();
    for (const [offset, size] of [
      [0, 200],
      [3, 100],
      [5, 64],
      [1, 63],
      [7, 129],
    ] as const) {
      for (const byte of [0, 1, 0x7f, 0xf8, 0xff]) {
        const handle = arena.allocate(300, 1);
        arena.fill(handle, 300, 0x55);
        arena.fill((handle + offset) as ArenaHandle, size, byte);
        const expected = Array.from({ length: 300 }, (_, i) =>
          i >= offset && i < offset + size ? byte : 0x55,
        );
        expect([...arena.view('u8', handle, 300)]).toEqual(expected);
      }
    }
  });

  test('fill takes what is allocated and not a byte more, whatever the handle', () => {
    for (const memory of [undefined, { buffer: new ArrayBuffer(65_536) }]) {
      using arena = new Arena<ArrayBufferLike>({ memory });
      using other = new Arena<ArrayBufferLike>({ memory });
      const first = arena.allocate(16);
      for (const size of [17, -1, 1.5, Number.NaN, 2 ** 32]) {
        expect(() => {
          arena.fill(first, size, 1);
        }).toThrow(code('ARGUMENT_RANGE'));
      }
      for (const byte of [256, -1, 0.5, Number.NaN]) {
        expect(() => {
          arena.fill(first, 16, byte);
        }).toThrow(code('ARGUMENT_RANGE'));
      }
      arena.fill(first, 16, 255);
      const second = arena.allocate(8);
      arena.fill(first, 24, 7); // up to the end of what is allocated
      expect(arena.u8[arena.offsetOf(second) + 7]).toBe(7);
      // A stale handle, and one that is newer than any of this arena, whose place is allocated here.
      arena.reset();
      arena.allocate(64);
      other.reset();
      for (const stale of [first, other.allocate(8)]) {
        expect(() => {
          arena.fill(stale, 8, 1);
        }).toThrow(code('STALE_HANDLE'));
      }
    }
  });

  test('arrays of any type are aligned as asked', () => {
    using arena = new Arena();
    arena.allocate(1);
    expect(arena.offsetOf(arena.allocateOf('f32', 3, 64)) % 64).toBe(0);
    expect(arena.allocateView('u8', 3, 32).byteOffset % 32).toBe(0);
    expect(() => arena.allocateView('u8', 3, 24)).toThrow(code('ARGUMENT_RANGE'));
  });

  test('write puts in exactly what it is given, short or long, into the heap or lent memory', () => {
    for (const memory of [undefined, { buffer: new ArrayBuffer(65_536) }]) {
      using arena = new Arena<ArrayBufferLike>({ memory });
      for (const sizeBytes of [0, 1, 100, 4095, 4096, 5000]) {
        const source = Uint8Array.from({ length: sizeBytes }, (_, i) => i & 0xff);
        const before = arena.allocate(8);
        arena.fill(before, 8, 9);
        const handle = arena.allocate(sizeBytes);
        const after = arena.allocate(8);
        arena.fill(after, 8, 9);
        arena.write(handle, source);
        expect(Buffer.compare(arena.view('u8', handle, sizeBytes), source)).toBe(0);
        expect([...arena.view('u8', before, 8), ...arena.view('u8', after, 8)]).toEqual(Array(16).fill(9));
      }
    }
  });

  test('reset keeps the chunks and trim gives them back', () => {
    const used = heap().stats().usedBlockCount;
    const arena = new Arena({ chunkBytes: 1024 });
    for (let i = 0; i < 10; i++) arena.allocate(1000);
    expect(arena.stats()).toMatchObject({ chunkCount: 10, reservedBytes: 10_240 });
    arena.reset();
    expect(arena.stats()).toMatchObject({ chunkCount: 10, usedBytes: 0 });
    for (let i = 0; i < 10; i++) arena.allocate(1000);
    expect(arena.stats().chunkCount).toBe(10);
    arena.reset();
    expect(arena.trim()).toBe(9 * 1024);
    expect(heap().stats().usedBlockCount).toBe(used + 1);
    arena.allocate(5000);
    arena.release();
    expect(heap().stats().usedBlockCount).toBe(used);
  });

  test('works on when the heap grows under it', () => {
    using arena = new Arena({ chunkBytes: 1 << 20 });
    const first = arena.allocate(8);
    arena.f64[arena.indexOf('f64', first)] = 1.25;
    for (let i = 0; i < 40; i++) arena.f64[arena.indexOf('f64', arena.allocate(1 << 20))] = i;
    const last = arena.allocateOf('f64', 1);
    arena.f64[arena.indexOf('f64', last)] = 2.5;
    expect(arena.f64[arena.indexOf('f64', first)]).toBe(1.25);
    expect(arena.view('f64', last, 1)[0]).toBe(2.5);
  });
});

describe('stale handles', () => {
  test('after a reset every method that takes a handle refuses it', () => {
    using arena = new Arena();
    const handle = arena.allocate(64);
    const text = arena.intern('x');
    arena.reset();
    arena.allocate(64);
    for (const use of [
      () => arena.offsetOf(handle),
      () => arena.indexOf('f64', handle),
      () => arena.view('u8', handle, 1),
      () => arena.fill(handle, 1),
      () => arena.write(handle, new Uint8Array(1)),
      () => arena.text(text),
    ]) {
      expect(use, String(use)).toThrow(code('STALE_HANDLE'));
    }
  });

  test('a reset alone makes a mark stale', () => {
    using arena = new Arena();
    arena.allocate(8);
    const mark = arena.mark();
    arena.reset();
    arena.allocate(8);
    expect(() => {
      arena.rewind(mark);
    }).toThrow(code('STALE_HANDLE'));
  });

  test('a rewind refuses what came after the mark and keeps what came before, nested', () => {
    using arena = new Arena({ chunkBytes: 1024 });
    const a = arena.allocate(10);
    const outer = arena.mark();
    const b = arena.allocate(900);
    const inner = arena.mark();
    const c = arena.allocate(900);
    arena.rewind(inner);
    expect(() => arena.offsetOf(c)).toThrow(code('STALE_HANDLE'));
    const d = arena.allocate(900);
    expect([a, b, d].map((handle) => arena.offsetOf(handle)).length).toBe(3);
    arena.rewind(inner);
    arena.rewind(outer);
    for (const stale of [b, c, d]) expect(() => arena.offsetOf(stale)).toThrow(code('STALE_HANDLE'));
    expect(() => arena.rewind(inner)).toThrow(code('STALE_HANDLE'));
    const e = arena.allocate(10);
    expect(arena.offsetOf(e)).toBeGreaterThan(arena.offsetOf(a));
    arena.rewind(outer);
    expect(arena.offsetOf(a)).toBeGreaterThan(0);
  });

  test("another arena's handles and marks, and numbers that are none, are refused", () => {
    using one = new Arena();
    using two = new Arena();
    const handle = one.allocate(8);
    two.allocate(8);
    expect(() => two.offsetOf(handle)).toThrow(code('STALE_HANDLE'));
    expect(() => two.rewind(one.mark())).toThrow(code('STALE_HANDLE'));
    for (const wrong of [0, -1, NaN, Infinity, 2 ** 60]) {
      expect(() => one.offsetOf(wrong as ArenaHandle), String(wrong)).toThrow(code('STALE_HANDLE'));
    }
    expect(() => one.offsetOf('x' as never)).toThrow(code('ARGUMENT_TYPE'));
    expect(() => one.rewind(undefined as unknown as ArenaMark)).toThrow(code('STALE_HANDLE'));
  });

  test('a reset after release throws, even when nothing was done', () => {
    const arena = new Arena();
    arena.release();
    expect(() => {
      arena.reset();
    }).toThrow(code('DISPOSED'));
  });

  test('everything throws after release', () => {
    const arena = new Arena();
    const handle = arena.allocate(8);
    const mark = arena.mark();
    arena.release();
    for (const use of [
      () => arena.allocate(8),
      () => arena.offsetOf(handle),
      () => arena.mark(),
      () => arena.rewind(mark),
      () => arena.reset(),
      () => arena.trim(),
      () => arena.intern('x'),
      () => arena.release(),
    ]) {
      expect(use, String(use)).toThrow(code('DISPOSED'));
    }
    arena[Symbol.dispose]();
  });
});

describe('bad input', () => {
  test('sizes, alignments, counts and types', () => {
    using arena = new Arena();
    for (const size of [-1, 0.5, NaN, Infinity, 2 ** 33]) {
      expect(() => arena.allocate(size), String(size)).toThrow(code('ARGUMENT_RANGE'));
      expect(() => arena.allocateOf('f64', size)).toThrow(code('ARGUMENT_RANGE'));
      expect(() => arena.allocateView('f64', size)).toThrow(code('ARGUMENT_RANGE'));
    }
    for (const alignment of [0, -8, 3, 1.5, 128, NaN]) {
      expect(() => arena.allocate(8, alignment), String(alignment)).toThrow(code('ARGUMENT_RANGE'));
    }
    expect(() => arena.allocate('8' as never)).toThrow(code('ARGUMENT_TYPE'));
    expect(() => arena.allocateOf('f16' as never, 1)).toThrow(code('ARGUMENT_TYPE'));
    const handle = arena.allocate(9, 1);
    const odd = (handle + 1) as ArenaHandle;
    expect(() => arena.indexOf('f64', odd)).toThrow(code('ARGUMENT_RANGE'));
    expect(() => arena.view('u8', handle, 1000)).toThrow(code('ARGUMENT_RANGE'));
    expect(() => arena.fill(handle, -1)).toThrow(code('ARGUMENT_RANGE'));
    expect(() => arena.fill(handle, NaN)).toThrow(code('ARGUMENT_RANGE'));
    expect(() => arena.fill(handle, 1, 256)).toThrow(code('ARGUMENT_RANGE'));
    expect(() => arena.write(handle, new Uint8Array(1000))).toThrow(code('ARGUMENT_RANGE'));
    expect(() => arena.write(handle, [1] as never)).toThrow(code('ARGUMENT_TYPE'));
    expect(() => arena.intern(5 as never)).toThrow(code('ARGUMENT_TYPE'));
    expect(() => new Arena({ chunkBytes: 0 })).toThrow(code('ARGUMENT_RANGE'));
    expect(() => new Arena({ maxBytes: NaN })).toThrow(code('ARGUMENT_RANGE'));
    expect(() => new Arena(5 as never)).toThrow(code('ARGUMENT_TYPE'));
  });

  test('all of the limit can be had, although it is no multiple of a chunk', () => {
    using arena = new Arena({ chunkBytes: 4096, maxBytes: 6000 });
    arena.allocate(4096);
    arena.allocate(1900);
    expect(arena.stats().reservedBytes).toBe(6000);
    expect(() => arena.allocate(100)).toThrow(code('CAPACITY'));
  });

  test('elements are not aligned to less than their size', () => {
    using arena = new Arena();
    arena.allocate(3, 1);
    expect(() => arena.allocateView('f64', 1, 1)).toThrow(code('ARGUMENT_RANGE'));
    expect(() => arena.allocateOf('i32', 1, 2)).toThrow(code('ARGUMENT_RANGE'));
    expect(arena.allocateView('u16', 1, 2).byteOffset % 2).toBe(0);
  });

  test('the limit is reached with an error, and what was there stays', () => {
    using arena = new Arena({ chunkBytes: 1024, maxBytes: 4096 });
    const first = arena.allocate(1000);
    for (let i = 0; i < 3; i++) arena.allocate(1000);
    expect(() => arena.allocate(1000)).toThrow(code('CAPACITY'));
    expect(() => arena.allocate(100_000)).toThrow(code('CAPACITY'));
    expect(arena.offsetOf(first)).toBeGreaterThan(0);
    arena.reset();
    arena.allocate(1000);
  });
});

describe('lent memory', () => {
  test('is used from its offset to its end and not beyond, and does not grow', () => {
    const buffer = new ArrayBuffer(1000);
    const arena: Arena<ArrayBuffer> = new Arena({ memory: { buffer, byteOffset: 60, byteLength: 204 } });
    const handle = arena.allocate(200);
    expect(arena.offsetOf(handle)).toBe(64);
    arena.fill(handle, 200, 1);
    expect(new Uint8Array(buffer).reduce((sum, byte) => sum + byte, 0)).toBe(200);
    expect(() => arena.allocate(1)).toThrow(code('CAPACITY'));
    expect(arena.trim()).toBe(0);
    arena.reset();
    arena.allocate(200);
    arena.release();
  });

  test('is refused when it is not of fixed length or out of range, and its transfer is noticed', () => {
    const Resizable = ArrayBuffer as unknown as new (n: number, o: { maxByteLength: number }) => ArrayBuffer;
    const resizable = new Resizable(64, { maxByteLength: 128 });
    expect(() => new Arena({ memory: { buffer: resizable } })).toThrow(code('RESIZABLE_BUFFER'));
    expect(() => new Arena({ memory: { buffer: new ArrayBuffer(8), byteOffset: 9 } })).toThrow(
      code('ARGUMENT_RANGE'),
    );
    expect(() => new Arena({ memory: {} as never })).toThrow(code('ARGUMENT_TYPE'));
    const buffer = new ArrayBuffer(1024);
    const arena = new Arena({ memory: { buffer } });
    const handle = arena.allocate(8);
    structuredClone(buffer, { transfer: [buffer] });
    for (const use of [
      () => arena.fill(handle, 8),
      () => arena.view('u8', handle, 8),
      () => arena.intern('x'),
      () => arena.allocateView('u8', 8),
    ]) {
      expect(use, String(use)).toThrow(code('BUFFER_DETACHED'));
    }
  });
});

describe('strings', () => {
  test('equal strings have one handle until they are rewound', () => {
    using arena = new Arena();
    const a = arena.intern('héllo');
    const mark = arena.mark();
    const b = arena.intern('');
    expect(arena.intern('héllo')).toBe(a);
    expect(arena.intern('')).toBe(b);
    expect(arena.text(a)).toBe('héllo');
    expect(arena.text(b)).toBe('');
    expect(arena.stats().internedCount).toBe(2);
    arena.rewind(mark);
    expect(arena.stats().internedCount).toBe(1);
    expect(arena.intern('héllo')).toBe(a);
    expect(arena.text(arena.intern(''))).toBe('');
    expect(() => arena.text(b)).toThrow(code('STALE_HANDLE'));
    const noText = arena.allocate(8);
    arena.fill(noText, 8, 0xff);
    expect(() => arena.text(noText)).toThrow(code('ARGUMENT_RANGE'));
  });
});

describe('withArena', () => {
  test('releases after a return, a throw, a resolution and a rejection', async () => {
    const used = heap().stats().usedBlockCount;
    const arenas: Arena[] = [];
    const keep = (arena: Arena) => {
      arenas.push(arena);
      arena.allocate(100);
    };
    expect(withArena((arena) => (keep(arena), 5))).toBe(5);
    const error = new Error('inside');
    expect(() =>
      withArena((arena) => {
        keep(arena);
        throw error;
      }),
    ).toThrow(error);
    const pending = withArena(async (arena) => {
      keep(arena);
      await Promise.resolve();
      arena.allocate(10);
      return 6;
    });
    expect(heap().stats().usedBlockCount).toBe(used + 1);
    expect(await pending).toBe(6);
    await expect(
      withArena(async (arena) => {
        keep(arena);
        throw error;
      }),
    ).rejects.toBe(error);
    expect(heap().stats().usedBlockCount).toBe(used);
    for (const arena of arenas) expect(() => arena.allocate(1)).toThrow(code('DISPOSED'));
    expect(() => withArena(5 as never)).toThrow(code('ARGUMENT_TYPE'));
  });
});
