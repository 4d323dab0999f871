import { addressOf, defineLayout, heap, isFreed } from '@hotpath/memory';
import { execFileSync } from 'node:child_process';
import { afterEach, describe, expect, test } from 'vitest';

const code = (suffix: string): { code: string } => ({ code: `ERR_HOTPATH_MEMORY_${suffix}` });

function thrown(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error('it did not throw');
}

const Everything = defineLayout({
  a: 'i8',
  b: 'u8',
  c: 'i16',
  d: 'u16',
  e: 'i32',
  f: 'u32',
  g: 'f32',
  h: 'f64',
  i: 'i64',
  j: 'u64',
  on: 'bool',
  position: 'f32x3',
  pair: 'i64x2',
  many: 'u8x16',
  kind: ['idle', 'busy', 'done'],
});

/** Row n; without -0, which neither integers nor JSON keep. */
const row = (n: number) => ({
  a: 0 - n,
  b: n,
  c: 0 - n * 100,
  d: n * 100,
  e: 0 - n * 100_000,
  f: n * 100_000,
  g: n / 2,
  h: n / 3,
  i: BigInt(n) * -(2n ** 40n),
  j: BigInt(n) * 2n ** 40n,
  on: n % 3 === 0,
  position: [n, n + 0.5, 0 - n] as [number, number, number],
  pair: [BigInt(n), -BigInt(n)] as [bigint, bigint],
  many: Array.from({ length: 16 }, (_, lane) => (n + lane) & 0xff) as never,
  kind: (['idle', 'busy', 'done'] as const)[n % 3]!,
});

const Point = defineLayout({ x: 'f32', y: 'f32', on: 'bool' });
const point = (x: number): { x: number; y: number; on: boolean } => ({ x, y: -x, on: x % 2 === 1 });

afterEach(() => {
  heap().checkInvariants();
  expect(heap().stats().usedBytes, 'the test gave everything back').toBe(0);
});

describe('a layout', () => {
  test('has a text and a fingerprint, equal for equal fields alone', () => {
    expect(Point.text).toBe('x:f32,y:f32,on:bool');
    expect(Point.fingerprint).toMatch(/^[0-9a-f]{16}$/);
    expect(defineLayout({ x: 'f32', y: 'f32', on: 'bool' }).fingerprint).toBe(Point.fingerprint);
    const others = [
      defineLayout({ y: 'f32', x: 'f32', on: 'bool' }),
      defineLayout({ x: 'f32', y: 'f64', on: 'bool' }),
      defineLayout({ x: 'f32', y: 'f32x2', on: 'bool' }),
      defineLayout({ x: 'f32', y: 'f32', on: ['a'] }),
      defineLayout({ x: 'f32', y: 'f32', on: ['b'] }),
      defineLayout({ x: 'f32', y: 'f32', on: 'u8' }),
    ];
    expect(new Set([Point, ...others].map((layout) => layout.fingerprint)).size).toBe(7);
  });

  test('knows its bytes: 64-byte aligned columns, an eighth of a byte for a boolean', () => {
    expect(Point.rowBytes).toBe(8.125);
    expect(Point.bytesFor(0)).toBe(0);
    expect(Point.bytesFor(1)).toBe(3 * 64);
    expect(Point.bytesFor(1000)).toBe(4032 + 4032 + 128);
  });

  const bad: [string, unknown][] = [
    ['nothing', undefined],
    ['a list', ['f32']],
    ['no fields', {}],
    ['an unknown type', { x: 'f16' }],
    ['a vector of one', { x: 'f32x1' }],
    ['a vector of seventeen', { x: 'f32x17' }],
    ['a vector written oddly', { x: 'f32x03' }],
    ['a vector of booleans', { x: 'boolx3' }],
    ['a type that every object has', { x: 'toString' }],
    ['no words', { x: [] }],
    ['words that are numbers', { x: [1] }],
    ['a word twice', { x: ['a', 'a'] }],
    ['257 words', { x: Array.from({ length: 257 }, (_, i) => `${i}`) }],
    ['an empty name', { '': 'f32' }],
    ['a name with a space', { 'a b': 'f32' }],
    ['a name that is code', { 'x}; process.exit(1); ({': 'f32' }],
    ['a name in quotes', { '"x"': 'f32' }],
    ['a name with a line break', { 'x\n': 'f32' }],
    ['a name that begins with a digit', { '1x': 'f32' }],
    ['a name that begins with $', { $state: 'f32' }],
    ['a private name', { '#x': 'f32' }],
    ['the name index', { index: 'f32' }],
    ['the name toObject', { toObject: 'f32' }],
    ['the name toJSON', { toJSON: 'f32' }],
    ['the name then', JSON.parse('{"then":"f32"}')],
    ['the name constructor', { constructor: 'f32' }],
    ['the name hasOwnProperty', { hasOwnProperty: 'f32' }],
    ['the name __proto__', JSON.parse('{"__proto__":"f32"}')],
    ['1025 fields', Object.fromEntries(Array.from({ length: 1025 }, (_, i) => [`f${i}`, 'u8']))],
  ];
  test.each(bad)('is refused with %s', (_, spec) => {
    const error = thrown(() => defineLayout(spec as never));
    expect(error).toMatchObject(code('LAYOUT'));
    expect(error).toBeInstanceOf(TypeError);
  });

  test('takes words of the language as names, and words that look like code as values', () => {
    const layout = defineLayout({
      class: 'u8',
      get: 'u8',
      static: 'u8',
      a$: 'u8',
      _: ['"; throw 1; "', '\n', '${x}'],
    });
    using table = layout.from([{ class: 1, get: 2, static: 3, a$: 4, _: '\n' }]);
    expect(table.get(0)).toEqual({ class: 1, get: 2, static: 3, a$: 4, _: '\n' });
    expect(JSON.parse(table.stringify())).toEqual(table.toObjects());
  });

  test('takes 256 words and 1024 fields', () => {
    const words = Array.from({ length: 256 }, (_, i) => `w${i}`) as [string, ...string[]];
    using table = defineLayout({ word: words }).from([{ word: 'w255' }, { word: 'w0' }]);
    expect([...table.columns.word.subarray(0, 2)]).toEqual([255, 0]);
    const wide = defineLayout(
      Object.fromEntries(Array.from({ length: 1024 }, (_, i) => [`f${i}`, 'u8' as const])),
    );
    using one = wide.from([Object.fromEntries(Array.from({ length: 1024 }, (_, i) => [`f${i}`, i & 0xff]))]);
    expect(one.get(0)['f1023']).toBe(255);
  });
});

describe('a table', () => {
  test('keeps every type, through objects, cursors and columns', () => {
    const rows = Array.from({ length: 100 }, (_, n) => row(n));
    using table = Everything.from(rows);
    const rounded = rows.map((one) => ({ ...one, g: Math.fround(one.g) }));
    expect(table.toObjects()).toEqual(rounded);
    table.checkInvariants();
    const cursor = table.cursor();
    for (cursor.index = 0; cursor.index < table.length; cursor.index++) {
      const wanted = rounded[cursor.index]!;
      expect(cursor.toObject()).toEqual(wanted);
      expect([cursor.a, cursor.i, cursor.on, cursor.kind]).toEqual([
        wanted.a,
        wanted.i,
        wanted.on,
        wanted.kind,
      ]);
      expect([cursor.position.x, cursor.position.y, cursor.position.z]).toEqual(wanted.position);
      expect(cursor.pair.toArray()).toEqual(wanted.pair);
      expect([cursor.many.w, cursor.many.get(15), cursor.many.lanes]).toEqual([
        wanted.many[3],
        wanted.many[15],
        16,
      ]);
    }
    expect(table.columns.h).toBeInstanceOf(Float64Array);
    expect(table.columns.position[5 * 3 + 1]).toBe(5.5);
    expect(table.columns.kind[5]).toBe(2);
    expect((table.columns.on[0]! >>> 3) & 1).toBe(1);
  });

  test('a cursor writes what columns and rows show', () => {
    using table = Everything.from([row(1), row(2), row(3)]);
    const cursor = table.cursor();
    cursor.index = 1;
    cursor.a = -100;
    cursor.on = true;
    cursor.kind = 'done';
    cursor.i = 5n;
    cursor.position.y = 9;
    cursor.pair.set(1, 77n);
    expect(table.get(1)).toMatchObject({
      a: -100,
      on: true,
      kind: 'done',
      i: 5n,
      position: [2, 9, -2],
      pair: [2n, 77n],
    });
    cursor.on = false;
    expect(table.get(1).on).toBe(false);
    expect(table.get(0)).toEqual({ ...row(1), g: 0.5 });
    expect(thrown(() => (cursor.kind = 'lost' as never))).toMatchObject(code('ARGUMENT_RANGE'));
    expect(table.get(1).kind).toBe('done');
  });

  test('columns are 64-byte aligned, in the heap, and as long as the capacity', () => {
    using table = Point.create({ capacity: 100 });
    for (const column of Object.values(table.columns)) {
      expect(column.byteOffset % 64).toBe(0);
      expect(addressOf(column)).toBe(column.byteOffset);
    }
    expect(table.columns.x).toHaveLength(100);
    expect(table.columns.on).toHaveLength(13);
    expect(table.columns).toBe(table.columns);
    table.resize(10);
    expect(table.column('x')).toHaveLength(10);
    expect(table.column('on')).toHaveLength(2);
    expect(addressOf(table.column('x'))).toBe(addressOf(table.columns.x));
  });

  test('grows by doubling, keeps rows and cursors, and marks the old columns freed', () => {
    using table = Point.create();
    const cursor = table.cursor();
    table.push(point(1));
    const before = table.columns.x;
    expect(table.capacity).toBe(64);
    for (let x = 2; x <= 1000; x++) table.push(point(x));
    expect(table.capacity).toBe(1024);
    expect(table.columns.x).not.toBe(before);
    expect(isFreed(before)).toBe(true);
    cursor.index = 999;
    expect(cursor.toObject()).toEqual(point(1000));
    expect(table.toObjects()).toEqual(Array.from({ length: 1000 }, (_, i) => point(i + 1)));
  });

  test('takes no more memory than 1.05 times its columns, a million particles', () => {
    const layout = defineLayout({ x: 'f32', y: 'f32', z: 'f32', vx: 'f32', vy: 'f32', vz: 'f32' });
    const before = heap().stats().usedBytes;
    using table = layout.create({ capacity: 1_000_000 });
    expect(table.sizeBytes).toBeLessThanOrEqual(24_000_000 * 1.05);
    expect(heap().stats().usedBytes - before).toBeLessThanOrEqual(24_000_000 * 1.05);
  });

  test('reserve makes room exactly, shrinkToFit gives it back', () => {
    using table = Point.from([point(1), point(2)]);
    table.reserve(777);
    expect(table.capacity).toBe(777);
    table.reserve(5);
    expect(table.capacity).toBe(777);
    const { columns } = table;
    for (let x = 3; x <= 777; x++) table.push(point(x));
    expect(table.columns).toBe(columns);
    table.truncate(2);
    table.shrinkToFit();
    expect(table.capacity).toBe(2);
    expect(table.toObjects()).toEqual([point(1), point(2)]);
  });

  test('a bad row is refused by field, and changes nothing', () => {
    using table = Everything.from([row(1), row(2)]);
    const before = table.stringify();
    const bads: [string, unknown, string][] = [
      ['a', '1', 'TYPE'],
      ['a', undefined, 'TYPE'],
      ['i', 1, 'TYPE'],
      ['g', 1n, 'TYPE'],
      ['on', 1, 'TYPE'],
      ['kind', 'lost', 'RANGE'],
      ['kind', 0, 'TYPE'],
      ['position', [1, 2], 'TYPE'],
      ['position', [1, 2, '3'], 'TYPE'],
      ['position', 1, 'TYPE'],
      ['pair', [1, 2], 'TYPE'],
    ];
    for (const [field, value, kind] of bads) {
      for (const write of [
        (): unknown => table.push({ ...row(3), [field]: value }),
        (): unknown => table.insert(0, { ...row(3), [field]: value }),
        (): unknown => table.set(0, { ...row(3), [field]: value }),
      ]) {
        const error = thrown(write);
        expect(error, field).toMatchObject(code(`ARGUMENT_${kind}`));
        expect((error as Error).message).toContain(`row.${field}`);
      }
    }
    for (const value of [undefined, null, 5]) {
      expect(thrown(() => table.push(value as never))).toMatchObject(code('ARGUMENT_TYPE'));
    }
    expect(table.stringify()).toBe(before);
    expect(thrown(() => Everything.from([row(1), {} as never]))).toMatchObject(code('ARGUMENT_TYPE'));
  });

  test('vectors are taken from typed arrays too', () => {
    using table = defineLayout({ v: 'f32x3' }).from([{ v: new Float32Array([1, 2, 3]) }]);
    expect(table.get(0)).toEqual({ v: [1, 2, 3] });
  });

  test('rows that are not there are refused', () => {
    using table = Point.from([point(1), point(2)]);
    for (const index of [-1, 2, 0.5, Number.NaN, Infinity]) {
      for (const run of [
        (): unknown => table.get(index),
        (): unknown => table.set(index, point(1)),
        (): unknown => table.swapRemove(index),
        (): unknown => table.remove(index),
      ]) {
        expect(thrown(run), `${index}`).toMatchObject(code('ARGUMENT_RANGE'));
      }
    }
    expect(thrown(() => table.insert(3, point(1)))).toMatchObject(code('ARGUMENT_RANGE'));
    expect(thrown(() => table.truncate(3))).toMatchObject(code('ARGUMENT_RANGE'));
    expect(thrown(() => table.get('0' as never))).toMatchObject(code('ARGUMENT_TYPE'));
    table.clear();
    expect(thrown(() => table.get(0))).toMatchObject(code('ARGUMENT_RANGE'));
  });

  test('capacities that are none are refused', () => {
    for (const capacity of [-1, 1.5, Number.NaN, 2 ** 32]) {
      expect(thrown(() => Point.create({ capacity }))).toMatchObject(code('ARGUMENT_RANGE'));
    }
    expect(thrown(() => Point.create({ capacity: 2 ** 31 }))).toMatchObject(code('ARGUMENT_RANGE'));
    expect(thrown(() => Point.create(5 as never))).toMatchObject(code('ARGUMENT_TYPE'));
    using table = Point.create();
    expect(thrown(() => table.reserve(-1))).toMatchObject(code('ARGUMENT_RANGE'));
    expect(thrown(() => table.resize(Number.NaN))).toMatchObject(code('ARGUMENT_RANGE'));
  });

  test('after dispose, calls, cursors and kernels are refused; disposing again does nothing', () => {
    const table = Point.from([point(1)]);
    const cursor = table.cursor();
    const { x } = table.columns;
    const other = Point.create();
    table.dispose();
    table.dispose();
    expect(isFreed(x)).toBe(true);
    for (const run of [
      (): unknown => table.get(0),
      (): unknown => table.push(point(1)),
      (): unknown => table.columns,
      (): unknown => table.column('x'),
      (): unknown => table.cursor(),
      (): unknown => table.sortBy('x'),
      (): unknown => table.toObjects(),
      (): unknown => table.stringify(),
      (): unknown => table.share(),
      (): unknown => table.filter(() => true),
      (): unknown => table.selectInto(other, []),
      (): unknown => other.selectInto(table, []),
      (): unknown => table.checkInvariants(),
      (): unknown => cursor.x,
      (): unknown => (cursor.x = 1),
      (): unknown => cursor.toObject(),
    ]) {
      expect(thrown(run), String(run)).toMatchObject(code('DISPOSED'));
    }
    expect([table.length, table.capacity]).toEqual([0, 0]);
    other.dispose();
  });

  test('resize exposes zeroed rows for columns that are filled from outside', () => {
    using table = Point.create();
    table.resize(100);
    expect(table.get(99)).toEqual({ x: 0, y: 0, on: false });
    table.columns.x.fill(3);
    expect(table.get(99).x).toBe(3);
  });

  test('iterates with one cursor that moves', () => {
    using table = Point.from([point(1), point(2), point(3)]);
    const seen: number[] = [];
    const cursors = new Set<unknown>();
    for (const p of table) {
      seen.push(p.x);
      p.x *= 10;
      cursors.add(p);
    }
    expect(seen).toEqual([1, 2, 3]);
    expect([...table.column('x')]).toEqual([10, 20, 30]);
    expect(cursors.size).toBe(1);
    using empty = Point.create();
    expect([...empty]).toEqual([]);
  });
});

describe('filtering and selecting', () => {
  test('filter makes a table of the matching rows', () => {
    using table = Everything.from(Array.from({ length: 50 }, (_, n) => row(n)));
    using odd = table.filter((p) => p.b % 2 === 1);
    expect(odd.toObjects()).toEqual(table.toObjects().filter((one) => one.b % 2 === 1));
    expect(odd.capacity).toBe(25);
  });

  test('rows go into a table with some of the fields, in any order', () => {
    using table = Everything.from(Array.from({ length: 20 }, (_, n) => row(n)));
    const Some = defineLayout({ kind: ['idle', 'busy', 'done'], position: 'f32x3', on: 'bool', h: 'f64' });
    using target = Some.from([{ kind: 'idle', position: [9, 9, 9], on: true, h: 1 }]);
    expect(table.filterInto(target, (p) => p.on)).toBe(7);
    expect(table.selectInto(target, [19, 0, 19])).toBe(3);
    const all = table.toObjects().map(({ kind, position, on, h }) => ({ kind, position, on, h }));
    expect(target.toObjects().slice(1)).toEqual([...all.filter((one) => one.on), all[19], all[0], all[19]]);
    target.checkInvariants();
  });

  test('a target with other fields, the same table, and rows that are not there are refused', () => {
    using table = Point.from([point(1), point(2)]);
    using other = defineLayout({ x: 'f64' }).create();
    using missing = defineLayout({ z: 'f32' }).create();
    using words = defineLayout({ on: ['a'] }).create();
    for (const target of [other, missing, words]) {
      expect(thrown(() => table.selectInto(target as never, [0]))).toMatchObject(code('LAYOUT_MISMATCH'));
    }
    expect(thrown(() => table.selectInto(table, [0]))).toMatchObject(code('ARGUMENT_RANGE'));
    expect(thrown(() => table.selectInto({} as never, [0]))).toMatchObject(code('ARGUMENT_TYPE'));
    using target = Point.create();
    for (const index of [2, -1, 0.5, Number.NaN]) {
      expect(thrown(() => table.selectInto(target, [0, index]))).toMatchObject(code('ARGUMENT_RANGE'));
    }
    expect(target.length).toBe(0);
    expect(thrown(() => table.filter(5 as never))).toMatchObject(code('ARGUMENT_TYPE'));
  });

  test('retain keeps the matching rows in order', () => {
    using table = Everything.from(Array.from({ length: 70 }, (_, n) => row(n)));
    const wanted = table.toObjects().filter((one) => one.on);
    expect(table.retain((p) => p.on)).toBe(70 - wanted.length);
    expect(table.toObjects()).toEqual(wanted);
  });

  test('a predicate that throws, or changes the length, leaves the rows alone', () => {
    using table = Point.from([point(1), point(2)]);
    const before = table.toObjects();
    expect(
      thrown(() =>
        table.retain(() => {
          throw new Error('no');
        }),
      ),
    ).toMatchObject({ message: 'no' });
    expect(table.toObjects()).toEqual(before);
    expect(thrown(() => table.filter(() => table.push(point(3)) > 0))).toMatchObject(code('ARGUMENT_TYPE'));
  });
});

describe('sorting', () => {
  const numbers = [3, -0, 0, Number.NaN, -Infinity, Infinity, -1.5, 1e-40, -1e-40, 3, 2];

  test.each([false, true])('orders floats as typed arrays do, descending %s', (descending) => {
    for (const type of ['f32', 'f64'] as const) {
      using table = defineLayout({ value: type, at: 'u8' }).from(numbers.map((value, at) => ({ value, at })));
      table.sortBy('value', { descending });
      const sorted = (type === 'f32' ? Float32Array : Float64Array).from(numbers).sort();
      if (descending) sorted.reverse();
      expect(table.toObjects().map(({ value }) => value)).toEqual([...sorted]);
      // The two threes keep their order either way.
      const threes = table.toObjects().filter(({ value }) => value === 3);
      expect(threes.map(({ at }) => at)).toEqual([0, 9]);
    }
  });

  test('a NaN with its sign bit set is last too', () => {
    using table = defineLayout({ narrow: 'f32', wide: 'f64' }).from(
      [1, 2, 3].map((n) => ({ narrow: n, wide: n })),
    );
    const { narrow, wide } = table.columns;
    new Uint32Array(narrow.buffer, narrow.byteOffset, 3)[1] = 0xffc0_0001;
    new BigUint64Array(wide.buffer, wide.byteOffset, 3)[1] = 0xfff8_0000_0000_0001n;
    for (const name of ['narrow', 'wide'] as const) {
      table.sortBy(name);
      expect([...table.column(name)]).toEqual([1, 3, Number.NaN]);
      table.sortBy(name, { descending: true });
      expect([...table.column(name)]).toEqual([Number.NaN, 3, 1]);
    }
  });

  test.each(['comparison', 'radix'])('orders integers of every width by %s, with the rows', (way) => {
    const count = way === 'radix' ? 10_000 : 500;
    let seed = 7;
    const random = (): number => (seed = (Math.imul(seed, 1664525) + 1013904223) | 0);
    for (const type of ['i8', 'u8', 'i16', 'u16', 'i32', 'u32', 'f32', 'f64'] as const) {
      using table = defineLayout({ value: type, at: 'u32' }).create();
      for (let at = 0; at < count; at++) table.push({ value: random(), at });
      const wanted = table.toObjects().sort((p, q) => p.value - q.value || p.at - q.at);
      table.sortBy('value');
      expect(table.toObjects(), type).toEqual(wanted);
      table.sortBy('at', { descending: true });
      expect(table.get(0).at).toBe(count - 1);
    }
    for (const type of ['i64', 'u64'] as const) {
      using table = defineLayout({ value: type, at: 'u32' }).create();
      for (let at = 0; at < count; at++)
        table.push({ value: (BigInt(random()) << 32n) | BigInt(random() >>> 0), at });
      const wanted = table
        .toObjects()
        .sort((p, q) => (p.value < q.value ? -1 : p.value > q.value ? 1 : p.at - q.at));
      table.sortBy('value');
      expect(table.toObjects(), type).toEqual(wanted);
    }
  });

  test('orders booleans and words, and moves vectors and bits along', () => {
    using table = Everything.from(Array.from({ length: 30 }, (_, n) => row(29 - n)));
    const before = table.toObjects();
    table.sortBy('on');
    expect(table.toObjects()).toEqual([
      ...before.filter((one) => !one.on),
      ...before.filter((one) => one.on),
    ]);
    table.sortBy('kind', { descending: true });
    expect(
      table
        .toObjects()
        .map((one) => one.kind)
        .join(),
    ).toMatch(/^(done,)+(busy,)+(idle,?)+$/);
    table.sortBy('b');
    expect(table.toObjects()).toEqual(before.toReversed());
  });

  test('vectors and unknown fields are refused, an empty table is sorted', () => {
    using table = Everything.create();
    table.sortBy('h');
    expect(thrown(() => table.sortBy('position' as never))).toMatchObject(code('ARGUMENT_TYPE'));
    expect(thrown(() => table.sortBy('nothing' as never))).toMatchObject(code('ARGUMENT_TYPE'));
    expect(thrown(() => table.column('toString' as never))).toMatchObject(code('ARGUMENT_TYPE'));
  });
});

describe('JSON', () => {
  test('stringify writes what JSON.stringify writes, and parse reads it back', () => {
    using table = Everything.from(Array.from({ length: 20 }, (_, n) => row(n)));
    expect(table.stringify()).toBe(JSON.stringify(table));
    using back = Everything.parse(table.stringify());
    expect(back.toObjects()).toEqual(table.toObjects());
    using empty = Everything.parse('[]');
    expect(empty.stringify()).toBe('[]');
  });

  test('what JSON cannot say: NaN and infinities are null and come back as NaN, -0 is 0, bigints are strings', () => {
    const layout = defineLayout({ f: 'f32', v: 'f64x2', i: 'i64' });
    using table = layout.from([{ f: Number.NaN, v: [Infinity, -0], i: 2n ** 60n }]);
    expect(table.stringify()).toBe('[{"f":null,"v":[null,0],"i":"1152921504606846976"}]');
    expect(table.stringify()).toBe(JSON.stringify(table));
    using back = layout.parse(
      '[{"f":null,"v":[null,0],"i":"1152921504606846976","more":1},{"f":1,"v":[1,2],"i":-5}]',
    );
    expect(back.toObjects()).toEqual([
      { f: Number.NaN, v: [Number.NaN, 0], i: 2n ** 60n },
      { f: 1, v: [1, 2], i: -5n },
    ]);
  });

  test('text that is no list of rows is refused', () => {
    for (const text of ['{}', '[1]', '[null]', '[[]]', '[{"x":1}]', '[{"x":"1","y":1,"on":true}]']) {
      expect(
        thrown(() => Point.parse(text)),
        text,
      ).toMatchObject(code('ARGUMENT_TYPE'));
    }
    expect(thrown(() => Point.parse('['))).toBeInstanceOf(SyntaxError);
    const big = defineLayout({ i: 'i64' });
    for (const text of ['[{"i":1.5}]', '[{"i":"x"}]', '[{"i":null}]']) {
      expect(
        thrown(() => big.parse(text)),
        text,
      ).toMatchObject(code('ARGUMENT_TYPE'));
    }
  });
});

describe('lent memory', () => {
  test('holds the rows that fit, and says so when it is full', () => {
    const buffer = new ArrayBuffer(1000);
    using table = Point.create({ memory: { buffer, byteOffset: 10, byteLength: 800 } });
    expect(table.columns.x.buffer).toBe(buffer);
    expect(table.columns.x.byteOffset).toBe(64);
    // 746 bytes from the first multiple of 64 on: 5 columns of 64 each for x and y, one for the bits.
    expect(table.capacity).toBe(80);
    for (let x = 0; x < 80; x++) table.push(point(x));
    expect(thrown(() => table.push(point(80)))).toMatchObject(code('CAPACITY'));
    expect(thrown(() => table.reserve(81))).toMatchObject(code('CAPACITY'));
    table.shrinkToFit();
    expect(table.toObjects()).toEqual(Array.from({ length: 80 }, (_, x) => point(x)));
    table.checkInvariants();
  });

  test('keeps its rows from one table to the next', () => {
    const memory = { buffer: new SharedArrayBuffer(4096) };
    const first = Point.create({ memory, capacity: 10 });
    first.pushAll([point(1), point(2)]);
    first.dispose();
    using second = Point.create({ memory, capacity: 10, length: 2 });
    expect(second.toObjects()).toEqual([point(1), point(2)]);
  });

  test('taken away underneath, it is noticed', () => {
    const buffer = new ArrayBuffer(1024);
    using table = Point.create({ memory: { buffer } });
    table.push(point(1));
    structuredClone(buffer, { transfer: [buffer] });
    for (const run of [
      (): unknown => table.get(0),
      (): unknown => table.push(point(2)),
      (): unknown => table.columns,
      (): unknown => table.stringify(),
      (): unknown => table.sortBy('x'),
    ]) {
      expect(thrown(run)).toMatchObject(code('BUFFER_DETACHED'));
    }
  });

  test('that is none, or too little, is refused', () => {
    const buffer = new ArrayBuffer(1024);
    const bad: [unknown, string][] = [
      [null, 'ARGUMENT_TYPE'],
      [{}, 'ARGUMENT_TYPE'],
      [{ buffer: new Uint8Array(8) }, 'ARGUMENT_TYPE'],
      [{ buffer, byteOffset: -1 }, 'ARGUMENT_RANGE'],
      [{ buffer, byteOffset: 1.5 }, 'ARGUMENT_RANGE'],
      [{ buffer, byteLength: 1025 }, 'ARGUMENT_RANGE'],
      [{ buffer, byteOffset: 1000, byteLength: 25 }, 'ARGUMENT_RANGE'],
      [{ buffer, byteLength: 64 }, 'ARGUMENT_RANGE'],
    ];
    for (const [memory, suffix] of bad) {
      expect(
        thrown(() => Point.create({ memory: memory as never })),
        JSON.stringify(memory),
      ).toMatchObject(code(suffix));
    }
    expect(thrown(() => Point.create({ memory: { buffer }, capacity: 1000 }))).toMatchObject(
      code('CAPACITY'),
    );
    expect(thrown(() => Point.create({ memory: { buffer }, length: 1000 }))).toMatchObject(
      code('ARGUMENT_RANGE'),
    );
    const Resizable = ArrayBuffer as unknown as new (length: number, options: object) => ArrayBuffer;
    const resizable = new Resizable(1024, { maxByteLength: 2048 });
    expect(thrown(() => Point.create({ memory: { buffer: resizable } }))).toMatchObject(
      code('RESIZABLE_BUFFER'),
    );
  });
});

describe('sharing', () => {
  test('an attached table sees the same rows and keeps its length', () => {
    using table = Everything.from([row(1), row(2)]);
    using attached = Everything.attach(structuredClone(table.share()));
    expect(attached.toObjects()).toEqual(table.toObjects());
    expect(addressOf(attached.columns.h)).toBe(addressOf(table.columns.h));
    attached.set(0, row(9));
    expect(table.get(0)).toEqual(attached.get(0));
    attached.sortBy('b');
    expect(table.get(0).b).toBe(2);
    expect(thrown(() => attached.push(row(3)))).toMatchObject(code('CAPACITY'));
  });

  test('while it is shared, a table does not move', () => {
    using table = Point.create({ capacity: 2 });
    table.share();
    table.pushAll([point(1), point(2)]);
    expect(thrown(() => table.push(point(3)))).toMatchObject(code('CAPACITY'));
    expect(table.length).toBe(2);
    table.unshare();
    table.push(point(3));
    expect(table.toObjects()).toEqual([point(1), point(2), point(3)]);
  });

  test('another layout, a broken descriptor and ordinary memory are refused', () => {
    using table = Point.from([point(1)]);
    const descriptor = table.share();
    const error = thrown(() => Everything.attach(descriptor));
    expect(error).toMatchObject(code('LAYOUT_MISMATCH'));
    expect((error as Error).message).toContain(Point.text);
    expect((error as Error).message).toContain(Everything.text);
    for (const value of [undefined, {}, { ...descriptor, buffer: new ArrayBuffer(8) }]) {
      expect(thrown(() => Point.attach(value as never))).toMatchObject(code('ARGUMENT_TYPE'));
    }
    for (const change of [
      { length: 2 ** 31 },
      { capacity: -1 },
      { capacity: 2 ** 31 },
      { byteOffset: -64 },
      { byteOffset: 8 },
      { byteOffset: 2 ** 40 },
    ]) {
      expect(
        thrown(() => Point.attach({ ...descriptor, ...change })),
        JSON.stringify(change),
      ).toMatchObject(code('ARGUMENT_RANGE'));
    }
    using lent = Point.create({ memory: { buffer: new ArrayBuffer(1024) } });
    expect(thrown(() => lent.share())).toMatchObject(code('ARGUMENT_TYPE'));
  });
});

test('without code generation everything works the same', () => {
  const script = `
    import { defineLayout } from '@hotpath/memory';
    const layout = defineLayout({ x: 'f32', i: 'i64', on: 'bool', v: 'f32x3', kind: ['a', 'b'] });
    const table = layout.from([{ x: 1, i: 2n, on: true, v: [1, 2, 3], kind: 'b' }, { x: 0, i: 1n, on: false, v: [4, 5, 6], kind: 'a' }]);
    const p = table.cursor();
    for (p.index = 0; p.index < table.length; p.index++) { p.x += 0.5; p.v.z += p.v.get(0); p.on = !p.on; }
    table.sortBy('x');
    for (let x = 0; x < 100; x++) table.push({ x, i: 1n, on: true, v: [0, 0, 0], kind: 'a' });
    table.truncate(2);
    let codes = [];
    for (const bad of [{ x: '1' }, { kind: 'c' }, { v: [1] }, { on: 1 }]) {
      try { table.push({ ...table.get(0), ...bad }); } catch (error) { codes.push(error.code); }
    }
    try { p.kind = 'z'; } catch (error) { codes.push(error.code); }
    p.kind = 'b'; p.index = 0;
    let generates = true;
    try { new Function(''); } catch { generates = false; }
    const shown = JSON.stringify({ rows: table, codes, p: { ...p.toObject(), i: String(p.i) }, keys: Object.keys(table.get(0)) });
    table.dispose();
    try { p.x; } catch (error) { console.log(error.code); }
    console.log(generates, shown);`;
  const run = (...flags: string[]): string[] =>
    execFileSync(process.execPath, [...flags, '--input-type=module', '-e', script], {
      cwd: import.meta.dirname,
      encoding: 'utf8',
    }).split(/(?<=DISPOSED\n)(true|false) /);
  const [disposed, generates, shown] = run();
  const [disposedToo, generatesToo, shownToo] = run('--disallow-code-generation-from-strings');
  expect([generates, generatesToo]).toEqual(['true', 'false']);
  expect(shownToo).toBe(shown);
  expect(disposedToo).toBe(disposed);
  expect(shown).toContain('"x":1.5');
});
