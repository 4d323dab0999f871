import { addressOf, adopt, allocate, createPool, defineLayout, type Table } from '@hotpath/memory';
import { expectTypeOf, test } from 'vitest';

const layout = defineLayout({
  x: 'f32',
  id: 'u64',
  on: 'bool',
  position: 'f32x3',
  pair: 'i64x2',
  wide: 'u8x16',
  kind: ['idle', 'busy'],
});

test('rows are inferred', () => {
  const table = layout.create();
  expectTypeOf(table.get(0).x).toEqualTypeOf<number>();
  expectTypeOf(table.get(0).id).toEqualTypeOf<bigint>();
  expectTypeOf(table.get(0).on).toEqualTypeOf<boolean>();
  expectTypeOf(table.get(0).position).toEqualTypeOf<[number, number, number]>();
  expectTypeOf(table.get(0).pair).toEqualTypeOf<[bigint, bigint]>();
  expectTypeOf(table.get(0).kind).toEqualTypeOf<'idle' | 'busy'>();
  expectTypeOf(table.get(0).wide.length).toEqualTypeOf<16>();
});

test('columns are inferred, with their kind of memory', () => {
  const { columns } = layout.create();
  expectTypeOf(columns.x).toEqualTypeOf<Float32Array<SharedArrayBuffer>>();
  expectTypeOf(columns.id).toEqualTypeOf<BigUint64Array<SharedArrayBuffer>>();
  expectTypeOf(columns.on).toEqualTypeOf<Uint8Array<SharedArrayBuffer>>();
  expectTypeOf(columns.position).toEqualTypeOf<Float32Array<SharedArrayBuffer>>();
  expectTypeOf(columns.pair).toEqualTypeOf<BigInt64Array<SharedArrayBuffer>>();
  expectTypeOf(columns.kind).toEqualTypeOf<Uint8Array<SharedArrayBuffer>>();
  expectTypeOf(layout.create().column('x')).toEqualTypeOf<Float32Array<SharedArrayBuffer>>();
  const lent = layout.create({ memory: { buffer: new ArrayBuffer(4096) } });
  expectTypeOf(lent.columns.x).toEqualTypeOf<Float32Array<ArrayBuffer>>();
});

test('cursors are inferred', () => {
  const cursor = layout.create().cursor();
  expectTypeOf(cursor.x).toEqualTypeOf<number>();
  expectTypeOf(cursor.kind).toEqualTypeOf<'idle' | 'busy'>();
  expectTypeOf(cursor.position.z).toEqualTypeOf<number>();
  expectTypeOf(cursor.pair.y).toEqualTypeOf<bigint>();
  expectTypeOf(cursor.pair.lanes).toEqualTypeOf<2>();
  expectTypeOf(cursor.position.toArray()).toEqualTypeOf<[number, number, number]>();
  cursor.x = 1;
  cursor.on = true;
  // @ts-expect-error a vector of two has no z
  void cursor.pair.z;
  // @ts-expect-error a vector of three has no w
  void cursor.position.w;
  void cursor.wide.w;
  // @ts-expect-error a vector is changed in its parts
  cursor.position = [1, 2, 3];
  // @ts-expect-error no such word
  cursor.kind = 'done';
  // @ts-expect-error bigint fields take bigints
  cursor.id = 1;
});

test('rows that are given are checked', () => {
  const table = layout.create();
  const row = { x: 1, id: 1n, on: true, position: [1, 2, 3], pair: [1n, 2n], kind: 'idle' } as const;
  table.push({ ...row, wide: new Uint8Array(16) });
  table.push({ ...row, wide: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16] });
  // @ts-expect-error a field is missing
  table.push(row);
  // @ts-expect-error no such word
  table.push({ ...row, wide: new Uint8Array(16), kind: 'done' });
  // @ts-expect-error a number for a bigint
  table.push({ ...row, wide: new Uint8Array(16), id: 1 });
  // @ts-expect-error vectors cannot be sorted by
  table.sortBy('position');
  // @ts-expect-error no such field
  table.sortBy('nothing');
  table.sortBy('kind');
});

test('layouts that are none are refused', () => {
  // @ts-expect-error no such type
  defineLayout({ x: 'f16' });
  // @ts-expect-error vectors have 2 to 16 numbers
  defineLayout({ x: 'f32x17' });
  // @ts-expect-error words need one at least
  defineLayout({ x: [] });
});

test('rows go into tables with some of the same fields', () => {
  const table = layout.create();
  const some = defineLayout({ x: 'f32', kind: ['idle', 'busy'] }).create();
  table.selectInto(some, [0]);
  table.filterInto(some, (row) => row.on);
  expectTypeOf(table.filter((row) => row.on)).toEqualTypeOf<typeof table>();
  const other = defineLayout({ x: 'f64' }).create();
  // @ts-expect-error x has another type there
  table.selectInto(other, [0]);
});

test('a table of any layout can be named', () => {
  const length = (table: Table<Record<string, 'f32'>>): number => table.length;
  expectTypeOf(length).returns.toEqualTypeOf<number>();
});

test('heap views and pool leases say what memory they have', () => {
  expectTypeOf(allocate('i16', 1)).toEqualTypeOf<Int16Array<SharedArrayBuffer>>();
  expectTypeOf(adopt(new Float64Array(1))).toEqualTypeOf<Float64Array<SharedArrayBuffer>>();
  expectTypeOf(adopt(new Uint8Array(1))).toEqualTypeOf<Uint8Array<SharedArrayBuffer>>();
  expectTypeOf(addressOf).parameter(0).toEqualTypeOf<ArrayBufferView>();
  // @ts-expect-error no such type
  allocate('f16', 1);
  const own = createPool({ blockSize: 1, maxBlocks: 1 }).tryAcquire();
  const shared = createPool({ blockSize: 1, maxBlocks: 1, shared: true }).tryAcquire();
  expectTypeOf(own!.bytes.buffer).toEqualTypeOf<ArrayBuffer>();
  expectTypeOf(shared!.bytes.buffer).toEqualTypeOf<SharedArrayBuffer>();
});
