import {
  addressOf,
  adopt,
  allocate,
  attachHeap,
  configureHeap,
  type ElementType,
  free,
  heap,
  type HeapHandle,
  isFreed,
  viewAt,
} from '@hotpath/memory';
import { describe, expect, test } from 'vitest';

const code = (suffix: string): { code: string } => ({ code: `ERR_HOTPATH_MEMORY_${suffix}` });

function thrown(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error('it did not throw');
}

describe('blocks', () => {
  test('start at multiples of 64 and never at 0', () => {
    for (const size of [0, 1, 63, 64, 65, 1000, 8192, 8193, 65_536, 3_000_000]) {
      const address = heap().allocate(size);
      expect(address).toBeGreaterThan(0);
      expect(address % 64).toBe(0);
      expect(heap().sizeOf(address)).toBeGreaterThanOrEqual(size);
      heap().free(address);
    }
    heap().checkInvariants();
  });

  test('waste at most a quarter above the size asked for, from 64 bytes on', () => {
    for (let size = 64; size < 200_000; size += 61) {
      const address = heap().allocate(size);
      expect(heap().sizeOf(address)).toBeLessThanOrEqual(size < 256 ? size + 64 : size * 1.5);
      if (size <= 8192 && size >= 256) expect(heap().sizeOf(address)).toBeLessThanOrEqual(size * 1.25);
      heap().free(address);
    }
  });

  test('fill and copy write exactly their range, at any alignment and across growth', () => {
    const [size, margin] = [300, 16];
    const block = heap().allocate(4 * size);
    const bytes = (): Uint8Array => new Uint8Array(heap().memory.buffer, block, 4 * size);
    const expected = new Uint8Array(4 * size);
    heap().fill(block, 4 * size, 0);
    for (let offset = 0; offset < margin; offset++) {
      heap().fill(block + offset, size - offset * 3, offset + 1);
      expected.fill(offset + 1, offset, size - offset * 2);
      // Forwards and backwards, over itself.
      heap().copy(block + offset + 7, block + offset, size);
      expected.copyWithin(offset + 7, offset, offset + size);
      heap().copy(block + offset, block + offset + 5, 2 * size);
      expected.copyWithin(offset, offset + 5, offset + 5 + 2 * size);
      expect(bytes()).toEqual(expected);
    }
    const large = heap().allocate(4 << 20);
    heap().fill(large, 4 << 20, 0xff);
    const view = new Uint8Array(heap().memory.buffer, large, 4 << 20);
    expect(view.every((byte) => byte === 0xff)).toBe(true);
    expect(bytes()).toEqual(expected);
    heap().free(large);
    heap().free(block);
  });

  test('write copies exactly its bytes in, short or long, from anywhere, over itself too', () => {
    const room = 20_000;
    const block = heap().allocate(room);
    const expected = new Uint8Array(room);
    heap().fill(block, room, 0);
    const shared = new Uint8Array(new SharedArrayBuffer(room));
    const ordinary = Uint8Array.from({ length: room }, (_, i) => (i * 7 + (i >> 8)) & 0xff);
    shared.set(ordinary);
    for (const sizeBytes of [0, 1, 63, 4095, 4096, 4097, 8191]) {
      for (const source of [ordinary, shared, Buffer.from(ordinary.buffer)]) {
        const offset = (sizeBytes * 5) % 97;
        heap().write(block + offset, source.subarray(3, 3 + sizeBytes));
        expected.set(ordinary.subarray(3, 3 + sizeBytes), offset);
      }
      // The heap itself, forwards and backwards.
      const own = new Uint8Array(heap().memory.buffer, block, room);
      heap().write(block + 500, own.subarray(0, sizeBytes));
      expected.copyWithin(500, 0, sizeBytes);
      heap().write(block, own.subarray(500, 500 + sizeBytes));
      expected.copyWithin(0, 500, 500 + sizeBytes);
      expect(own.every((byte, i) => byte === expected[i])).toBe(true);
    }
    heap().free(block);
  });

  test('a fill that ends behind the memory writes nothing', () => {
    const block = heap().allocate(64);
    heap().fill(block, 64, 7);
    expect(() => heap().fill(block, heap().stats().maximumBytes - block, 1)).toThrow(/out of bounds/);
    expect(new Uint8Array(heap().memory.buffer, block, 64)).toEqual(new Uint8Array(64).fill(7));
    heap().free(block);
  });

  test('freed neighbours become one block again', () => {
    const parts = [heap().allocate(1 << 20), heap().allocate(1 << 20), heap().allocate(1 << 20)];
    const capacityBytes = (): number => heap().stats().capacityBytes;
    for (const address of [parts[1]!, parts[0]!, parts[2]!]) heap().free(address);
    const before = capacityBytes();
    heap().free(heap().allocate(3 << 20));
    expect(capacityBytes()).toBe(before);
    heap().checkInvariants();
  });

  test('freeing twice is refused, for small and large blocks', () => {
    for (const size of [100, 100_000]) {
      const address = heap().allocate(size);
      heap().free(address);
      expect(thrown(() => heap().free(address))).toMatchObject(code('DOUBLE_FREE'));
    }
    heap().checkInvariants();
  });

  test('freeing what no block starts at is refused', () => {
    const small = heap().allocate(256);
    const large = heap().allocate(100_000);
    for (const address of [0, 8, small + 64, large + 4096, large + 64, 2 ** 40, -64, 1.5, Number.NaN]) {
      expect(
        thrown(() => heap().free(address)),
        `${address}`,
      ).toMatchObject(code('FOREIGN'));
    }
    expect(thrown(() => heap().free('64' as never))).toMatchObject(code('FOREIGN'));
    heap().free(small);
    heap().free(large);
    heap().checkInvariants();
  });

  test('sizes that are no sizes are refused', () => {
    for (const size of [-1, 1.5, Number.NaN, Infinity, 2 ** 33]) {
      const error = thrown(() => heap().allocate(size));
      expect(error).toBeInstanceOf(RangeError);
      expect(error).toMatchObject(code('ARGUMENT_RANGE'));
      expect((error as Error).message).toContain('sizeBytes');
    }
    expect(thrown(() => heap().allocate('8' as never))).toBeInstanceOf(TypeError);
    expect(thrown(() => heap().sizeOf(64 * 1024 * 1024 * 1024))).toMatchObject(code('FOREIGN'));
  });

  test('statistics follow, and trimming makes idle spans usable for large blocks', () => {
    const before = heap().stats();
    const addresses = Array.from({ length: 5000 }, () => heap().allocate(1000));
    const during = heap().stats();
    expect(during.usedBlockCount - before.usedBlockCount).toBe(5000);
    expect(during.usedBytes - before.usedBytes).toBe(5000 * 1024);
    expect(during.peakBytes).toBeGreaterThanOrEqual(during.usedBytes);
    for (const address of addresses) heap().free(address);
    expect(heap().stats().usedBytes).toBe(before.usedBytes);
    expect(heap().trim().reclaimedBytes).toBeGreaterThan(0);
    expect(heap().trim().reclaimedBytes).toBe(0);
    expect(heap().stats().largestFreeBytes).toBeGreaterThanOrEqual(5000 * 1024);
    heap().checkInvariants();
  });

  test('an overwritten first page is noticed', () => {
    const words = new Int32Array(heap().memory.buffer, 0, 1);
    const [magic] = words;
    words[0] = 0;
    expect(thrown(() => heap().checkInvariants())).toMatchObject(code('CORRUPTION'));
    words[0] = magic!;
    heap().checkInvariants();
  });
});

const TYPES = {
  i8: Int8Array,
  u8: Uint8Array,
  i16: Int16Array,
  u16: Uint16Array,
  i32: Int32Array,
  u32: Uint32Array,
  f32: Float32Array,
  f64: Float64Array,
  i64: BigInt64Array,
  u64: BigUint64Array,
} as const;

describe('typed arrays', () => {
  test.each(Object.entries(TYPES))('%s is a real, zeroed, shared typed array', (type, constructor) => {
    // A used block first, so that what comes back was written before.
    const dirty = heap().allocate(800);
    new Uint8Array(heap().memory.buffer, dirty, 800).fill(0xaa);
    heap().free(dirty);
    const view = allocate(type as ElementType, 100);
    expect(view).toBeInstanceOf(constructor);
    expect(view).toHaveLength(100);
    expect(view.buffer).toBeInstanceOf(SharedArrayBuffer);
    expect([...view].every((value) => Number(value) === 0)).toBe(true);
    expect(addressOf(view)).toBe(view.byteOffset);
    expect(addressOf(view) % 64).toBe(0);
    free(view);
  });

  test('a large one is zeroed too, whether or not its memory is new', () => {
    for (let round = 0; round < 2; round++) {
      const view = allocate('f64', 500_000);
      expect(view.every((value) => value === 0)).toBe(true);
      view.fill(1);
      free(view);
    }
  });

  test('one of length 0 has an address and can be freed', () => {
    const view = allocate('f32', 0);
    expect(view).toHaveLength(0);
    expect(addressOf(view)).toBeGreaterThan(0);
    free(view);
  });

  test('it compares equal to an ordinary one: the address does not show', () => {
    const view = adopt(new Float32Array([1, 2, 3]));
    expect(view).toEqual(new Float32Array([1, 2, 3]));
    expect(Object.keys(view)).toEqual(['0', '1', '2']);
    free(view);
  });

  test('freed: its address is 0, and freeing it again throws', () => {
    const view = allocate('f32', 10);
    const part = view.subarray(2);
    expect(isFreed(view)).toBe(false);
    free(view);
    expect(addressOf(view)).toBe(0);
    expect(isFreed(view)).toBe(true);
    expect(addressOf(part)).toBe(0);
    expect(thrown(() => free(view))).toMatchObject(code('DOUBLE_FREE'));
  });

  test('a subarray, a DataView and a view over a newer buffer object have their addresses', () => {
    const view = allocate('f32', 100);
    const address = addressOf(view);
    expect(addressOf(view.subarray(3))).toBe(address + 12);
    expect(addressOf(new DataView(view.buffer, view.byteOffset, 8))).toBe(address);
    const growth = allocate('u8', heap().stats().capacityBytes);
    expect(heap().memory.buffer).not.toBe(view.buffer);
    expect(addressOf(view)).toBe(address);
    expect(addressOf(new Float32Array(heap().memory.buffer, address, 100))).toBe(address);
    view[0] = 7;
    expect(new Float32Array(heap().memory.buffer, address, 100)[0]).toBe(7);
    free(growth);
    free(view);
  });

  test('a view into what was freed has the address 0, although a smaller block begins where its block did', () => {
    const large = allocate('u8', 400_000);
    const inside = large.subarray(200_000);
    expect(addressOf(inside)).toBe(addressOf(large) + 200_000);
    const start = addressOf(large);
    free(large);
    const small = allocate('u8', 20_000);
    expect(addressOf(small)).toBe(start);
    expect(addressOf(inside)).toBe(0);
    free(small);
  });

  test('foreign views have the address 0, even a copy of the whole heap', () => {
    expect(addressOf(new Float32Array(4))).toBe(0);
    expect(addressOf(Buffer.alloc(4))).toBe(0);
    expect(addressOf(new Float32Array(new SharedArrayBuffer(16)))).toBe(0);
    const view = allocate('u8', 64);
    const copy = new SharedArrayBuffer(1 << 20);
    new Uint8Array(copy).set(new Uint8Array(heap().memory.buffer, 0, 1 << 20));
    expect(addressOf(new Uint8Array(copy, view.byteOffset))).toBe(0);
    // Asked again, the answer comes from memory and is the same.
    expect(addressOf(new Uint8Array(copy, view.byteOffset))).toBe(0);
    free(view);
  });

  test('the heap is recognised behind a buffer object of structuredClone, as a posted view has', () => {
    const view = allocate('i32', 8);
    const clone = structuredClone(view);
    expect(clone.buffer).not.toBe(view.buffer);
    expect(addressOf(clone)).toBe(addressOf(view));
    free(view);
    expect(addressOf(clone)).toBe(0);
  });

  test('free refuses views that the heap did not return', () => {
    const view = allocate('f32', 8);
    for (const foreign of [new Float32Array(4), view.subarray(1), {} as ArrayBufferView]) {
      expect(thrown(() => free(foreign))).toMatchObject(code('FOREIGN'));
    }
    free(view);
  });

  test('adopt copies, and refuses what is no typed array', () => {
    const source = new BigInt64Array([1n, -2n]);
    const view = adopt(source);
    source[0] = 9n;
    expect([...view]).toEqual([1n, -2n]);
    free(view);
    for (const value of [new DataView(new ArrayBuffer(8)), [1, 2], undefined]) {
      expect(thrown(() => adopt(value as never))).toMatchObject(code('ARGUMENT_TYPE'));
    }
  });

  test('adopt refuses a view whose buffer was transferred away, and takes nothing for it', () => {
    const before = heap().stats().usedBlockCount;
    const view = new Float32Array(8);
    structuredClone(view, { transfer: [view.buffer] });
    expect(thrown(() => adopt(view))).toMatchObject(code('BUFFER_DETACHED'));
    expect(heap().stats().usedBlockCount).toBe(before);
  });

  test('what is no view is refused by name', () => {
    for (const value of [undefined, null, 5, {}]) {
      expect(thrown(() => free(value as never))).toMatchObject(code('FOREIGN'));
      expect(thrown(() => addressOf(value as never))).toMatchObject(code('ARGUMENT_TYPE'));
      expect(isFreed(value as never)).toBe(false);
    }
  });

  test('unknown types and impossible lengths are refused', () => {
    for (const type of ['f16', 'toString', 1, undefined]) {
      expect(thrown(() => allocate(type as never, 1))).toMatchObject(code('ARGUMENT_TYPE'));
    }
    for (const length of [-1, 0.5, Number.NaN, 2 ** 31]) {
      expect(thrown(() => allocate('f32', length))).toMatchObject(code('ARGUMENT_RANGE'));
    }
  });

  test('viewAt sees memory that is in use already', () => {
    const view = adopt(new Int32Array([1, 2, 3]));
    const same = viewAt('i32', addressOf(view), 3);
    same[1] = 20;
    expect([...view]).toEqual([1, 20, 3]);
    expect(addressOf(same)).toBe(addressOf(view));
    free(view);
  });
});

describe('one heap a process', () => {
  test('it is found through a registered symbol', () => {
    const registry = (globalThis as Record<symbol, unknown>)[Symbol.for('hotpath.heap.v1')];
    expect(registry).toMatchObject({ heap: heap() });
  });

  test('configuring after the first use is refused, unless the options are equal', () => {
    heap();
    const { maximumBytes } = heap();
    expect(maximumBytes).toBe(2 ** 32);
    configureHeap({ maximumBytes });
    configureHeap({});
    expect(thrown(() => configureHeap({ maximumBytes: 65_536 }))).toMatchObject(code('HEAP_IN_USE'));
    expect(thrown(() => configureHeap({ debug: true }))).toMatchObject(code('HEAP_IN_USE'));
  });

  test('options that are no options are refused', () => {
    for (const options of [undefined, null, 3]) {
      expect(thrown(() => configureHeap(options as never))).toMatchObject(code('ARGUMENT_TYPE'));
    }
    for (const maximumBytes of [0, -1, 1.5, 2 ** 32 + 1]) {
      expect(thrown(() => configureHeap({ maximumBytes }))).toMatchObject(code('ARGUMENT_RANGE'));
    }
    expect(thrown(() => configureHeap({ debug: 'yes' as never }))).toMatchObject(code('ARGUMENT_TYPE'));
    expect(thrown(() => configureHeap({ debug: { quarantineBytes: 0 } }))).toMatchObject(
      code('ARGUMENT_RANGE'),
    );
  });

  test('attaching to itself does nothing, to anything else is refused', () => {
    attachHeap(heap().handle());
    const memory = new SharedArrayBuffer(65_536);
    const other = {
      kind: 'hotpath.heap.v1',
      memory: { buffer: memory },
      maximumBytes: 65_536,
    } as unknown as HeapHandle;
    expect(thrown(() => attachHeap(other))).toMatchObject(code('HEAP_IN_USE'));
    for (const handle of [{}, { kind: 'hotpath.heap.v1' }, { ...other, memory: {} }]) {
      expect(thrown(() => attachHeap(handle as never))).toMatchObject(code('ARGUMENT_TYPE'));
    }
  });
});
