import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type ElementType,
  addressOf,
  heap,
  lazy,
  lazyRange,
  StringBuilder,
  StringList,
  TypedVector,
} from '@hotpath/memory';

const code = (name: string) => expect.objectContaining({ code: `ERR_HOTPATH_MEMORY_${name}` });

describe('TypedVector', () => {
  test('holds every element type, in the heap, and gives its block back', () => {
    const types: ElementType[] = ['u8', 'i8', 'u16', 'i16', 'u32', 'i32', 'f32', 'f64', 'u64', 'i64'];
    const used = heap().stats().usedBlockCount;
    for (const type of types) {
      const vector = new TypedVector(type);
      const toElement: (i: number) => unknown = type === 'i64' || type === 'u64' ? BigInt : Number;
      for (let i = 0; i < 100; i++) vector.push(toElement(i) as never);
      expect(vector.length).toBe(100);
      expect(Number(vector.get(99))).toBe(99);
      expect(addressOf(vector.array)).toBeGreaterThan(0);
      vector.release();
    }
    expect(heap().stats().usedBlockCount).toBe(used);
  });

  test('reserved capacity is not grown, and grows by doubling after it', () => {
    using vector = new TypedVector('f32', { capacity: 1000 });
    const before = vector.array;
    for (let i = 0; i < 1000; i++) vector.push(i);
    expect(vector.array).toBe(before);
    vector.push(1);
    expect(vector.capacity).toBe(2000);
    vector.reserve(5000);
    expect(vector.capacity).toBeGreaterThanOrEqual(6001);
    vector.shrink();
    expect(vector.capacity).toBe(1001);
    expect(vector.get(999)).toBe(999);
    expect(vector.view().length).toBe(1001);
  });

  test('random programs agree with a plain array after every step', () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    const value = fc.integer({ min: -100, max: 100 });
    const step = fc.oneof(
      fc.record({ op: fc.constantFrom<'push' | 'insert' | 'set'>('push', 'insert', 'set'), share, value }),
      fc.record({ op: fc.constantFrom<'pop' | 'shrink' | 'self'>('pop', 'shrink', 'self'), share }),
      fc.record({
        op: fc.constantFrom<'remove' | 'swapRemove' | 'truncate'>('remove', 'swapRemove', 'truncate'),
        share,
      }),
      fc.record({ op: fc.constant('pushAll' as const), values: fc.array(value, { maxLength: 20 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        using vector = new TypedVector('i32');
        const model: number[] = [];
        for (const step of steps) {
          const index = 'share' in step ? Math.floor(step.share * (model.length - 1)) : 0;
          if (step.op === 'pushAll') {
            vector.pushAll(step.values);
            model.push(...step.values);
          } else if (step.op === 'push') {
            vector.push(step.value);
            model.push(step.value);
          } else if (step.op === 'insert') {
            vector.insert(Math.max(index, 0), step.value);
            model.splice(Math.max(index, 0), 0, step.value);
          } else if (step.op === 'pop') expect(vector.pop()).toBe(model.pop());
          else if (step.op === 'shrink') vector.shrink();
          else if (step.op === 'self') {
            if (model.length > 200) continue;
            vector.pushAll(vector.view());
            model.push(...model);
          } else if (model.length === 0) continue;
          else if (step.op === 'set') {
            vector.set(index, step.value);
            model[index] = step.value;
          } else if (step.op === 'remove') expect(vector.remove(index)).toBe(model.splice(index, 1)[0]);
          else if (step.op === 'swapRemove') {
            expect(vector.swapRemove(index)).toBe(model[index]);
            const last = model.pop()!;
            if (index < model.length) model[index] = last;
          } else {
            vector.truncate(index);
            model.length = index;
          }
          expect(vector.toArray()).toEqual(model);
          expect([...vector]).toEqual(model);
        }
      }),
      { numRuns: 200 },
    );
  });

  test('bad input, limits and use after release are typed errors', () => {
    using vector = new TypedVector('u8', { maxLength: 20 });
    vector.pushAll([1, 2, 3]);
    for (const index of [-1, 3, 0.5, NaN]) {
      expect(() => vector.get(index)).toThrow(code('ARGUMENT_RANGE'));
      expect(() => vector.set(index, 1)).toThrow(code('ARGUMENT_RANGE'));
      expect(() => vector.remove(index)).toThrow(code('ARGUMENT_RANGE'));
      expect(() => vector.swapRemove(index)).toThrow(code('ARGUMENT_RANGE'));
    }
    expect(() => vector.insert(4, 1)).toThrow(code('ARGUMENT_RANGE'));
    expect(() => vector.truncate(4)).toThrow(code('ARGUMENT_RANGE'));
    expect(() => vector.reserve(-1)).toThrow(code('ARGUMENT_RANGE'));
    expect(() => vector.reserve(18)).toThrow(code('CAPACITY'));
    expect(() => vector.pushAll(Array.from({ length: 18 }, () => 1))).toThrow(code('CAPACITY'));
    expect(() => vector.pushAll(5 as never)).toThrow(code('ARGUMENT_TYPE'));
    expect(vector.toArray()).toEqual([1, 2, 3]);
    expect(() => new TypedVector('f16' as never)).toThrow(code('ARGUMENT_TYPE'));
    expect(() => new TypedVector('u8', { capacity: -1 })).toThrow(code('ARGUMENT_RANGE'));
    expect(() => new TypedVector('u8', { capacity: 2, maxLength: 1 })).toThrow(code('ARGUMENT_RANGE'));
    const gone = new TypedVector('u8', { capacity: 4 });
    gone.push(1);
    gone.release();
    for (const use of [
      () => gone.push(1),
      () => gone.get(0),
      () => gone.view(),
      () => gone.array,
      () => gone.release(),
      () => gone.toArray(),
    ]) {
      expect(use, String(use)).toThrow(code('DISPOSED'));
    }
    gone[Symbol.dispose]();
  });

  test('a value that no element can hold changes nothing, and leaves nothing taken', () => {
    const used = heap().stats().usedBlockCount;
    const vector = new TypedVector('i64', { capacity: 4 });
    vector.pushAll([1n, 2n, 3n]);
    expect(() => vector.insert(1, 9 as never)).toThrow(TypeError);
    expect(() => vector.pushAll(new Array<number>(100).fill(1) as never)).toThrow(TypeError);
    expect(vector.toArray()).toEqual([1n, 2n, 3n]);
    vector.insert(1, 9n);
    expect(vector.toArray()).toEqual([1n, 9n, 2n, 3n]);
    vector.release();
    expect(heap().stats().usedBlockCount).toBe(used);
  });

  test('lent memory is its capacity, and its transfer is noticed', () => {
    const buffer = new ArrayBuffer(64 + 16);
    const vector: TypedVector<'f32', ArrayBuffer> = new TypedVector('f32', {
      memory: { buffer, byteOffset: 64 },
    });
    vector.pushAll([1, 2, 3, 4]);
    expect([...new Float32Array(buffer, 64)]).toEqual([1, 2, 3, 4]);
    expect(() => vector.push(5)).toThrow(code('CAPACITY'));
    structuredClone(buffer, { transfer: [buffer] });
    expect(() => vector.get(0)).toThrow(code('BUFFER_DETACHED'));
    expect(() => vector.push(1)).toThrow(code('BUFFER_DETACHED'));
    vector.release();
  });
});

describe('StringBuilder and StringList', () => {
  test('text comes out as it went in, as a string and as bytes', () => {
    const builder = new StringBuilder(4);
    for (let i = 0; i < 100; i++) builder.append(`é${i}`).append('\n');
    const expected = Array.from({ length: 100 }, (_, i) => `é${i}\n`).join('');
    expect(builder.toString()).toBe(expected);
    expect(builder.sizeBytes).toBe(Buffer.byteLength(expected));
    expect(builder.toBytes().toUtf8()).toBe(expected);
    expect(builder.toString()).toBe('');
    builder.append('next');
    expect(builder.toBytes().toUtf8()).toBe('next');
    expect(() => new StringBuilder(0, { maxBytes: 3 }).append('four')).toThrow(code('CAPACITY'));
    expect(() => new StringBuilder(-1)).toThrow(code('ARGUMENT_RANGE'));
    expect(() => builder.append(5 as never)).toThrow(code('ARGUMENT_TYPE'));
  });

  test('a list keeps to its limit, and begins anew when it is cleared', () => {
    const list = new StringList({ maxBytes: 5 });
    list.push('abc');
    expect(() => list.push('def')).toThrow(code('CAPACITY'));
    expect([...list]).toEqual(['abc']);
    list.clear();
    list.push('defgh');
    expect([...list]).toEqual(['defgh']);
    for (const index of [-1, 1, 0.5, Number.NaN])
      expect(() => list.get(index)).toThrow(code('ARGUMENT_RANGE'));
    expect(() => {
      list.push(7 as never);
    }).toThrow(code('ARGUMENT_TYPE'));
  });
});

describe('lazy sequences', () => {
  test('any chain of steps gives what arrays give, consumed either way', () => {
    const number = fc.integer({ min: 0, max: 12 });
    const step = fc.record({
      op: fc.constantFrom<'map' | 'filter' | 'take' | 'drop' | 'flatMap'>(
        'map',
        'filter',
        'take',
        'drop',
        'flatMap',
      ),
      number,
    });
    fc.assert(
      fc.property(
        fc.array(fc.integer(), { maxLength: 20 }),
        fc.array(step, { maxLength: 5 }),
        (items, steps) => {
          let sequence = lazy(items);
          let model = items;
          for (const { op, number } of steps) {
            if (op === 'map') {
              sequence = sequence.map((x) => x + number);
              model = model.map((x) => x + number);
            } else if (op === 'filter') {
              sequence = sequence.filter((x) => x % 3 !== number % 3);
              model = model.filter((x) => x % 3 !== number % 3);
            } else if (op === 'take') {
              sequence = sequence.take(number);
              model = model.slice(0, number);
            } else if (op === 'drop') {
              sequence = sequence.drop(number);
              model = model.slice(number);
            } else {
              sequence = sequence.flatMap((x) => [x, x + 1]);
              model = model.flatMap((x) => [x, x + 1]);
            }
          }
          expect(sequence.toArray()).toEqual(model);
          expect([...sequence]).toEqual(model);
          expect(sequence.count()).toBe(model.length);
          expect(sequence.reduce((sum, x) => sum + x, 0)).toBe(model.reduce((sum, x) => sum + x, 0));
          expect(sequence.find((x) => x > 5)).toBe(model.find((x) => x > 5));
          expect(sequence.some((x) => x > 5)).toBe(model.some((x) => x > 5));
        },
      ),
      { numRuns: 500 },
    );
  });

  test('asks the source for no more than is wanted, and closes it', () => {
    const asked: number[] = [];
    let closed = 0;
    function* source() {
      try {
        for (let i = 0; ; i++) {
          asked.push(i);
          yield i;
        }
      } finally {
        closed++;
      }
    }
    expect(
      lazy({ [Symbol.iterator]: source })
        .map((x) => x * 2)
        .take(3)
        .toArray(),
    ).toEqual([0, 2, 4]);
    expect(asked).toEqual([0, 1, 2]);
    expect([
      ...lazy({ [Symbol.iterator]: source })
        .map((x) => x * 2)
        .take(3),
    ]).toEqual([0, 2, 4]);
    expect(closed).toBe(2);
    for (const item of lazy({ [Symbol.iterator]: source }).filter((x) => x > 4)) {
      expect(item).toBe(5);
      break;
    }
    expect(closed).toBe(3);
    const failing = lazy({ [Symbol.iterator]: source }).map(() => {
      throw new Error('a step');
    });
    expect(() => failing.toArray()).toThrow('a step');
    expect(() => [...failing]).toThrow('a step');
    expect(closed).toBe(5);
    expect(lazyRange(-2, 2).toArray()).toEqual([-2, -1, 0, 1]);
    expect(lazyRange(5, 2).toArray()).toEqual([]);
  });

  test('bad input is refused where it is given', () => {
    expect(() => lazy(5 as never)).toThrow(code('ARGUMENT_TYPE'));
    expect(() => lazyRange(0, NaN)).toThrow(code('ARGUMENT_RANGE'));
    const some = lazyRange(0, 1);
    expect(() => some.map(5 as never)).toThrow(code('ARGUMENT_TYPE'));
    expect(() => some.take(-1)).toThrow(code('ARGUMENT_RANGE'));
    expect(() => some.drop(0.5)).toThrow(code('ARGUMENT_RANGE'));
  });
});
