import { expectTypeOf, test } from 'vitest';
import { Arena, Bytes, BytesMut, createPool, TypedVector } from '@hotpath/memory';

test('ordinary and shared memory stay apart', () => {
  const plain = Bytes.from('a');
  const shared = Bytes.from('a', { shared: true });
  expectTypeOf(plain).toEqualTypeOf<Bytes>();
  expectTypeOf(shared).toEqualTypeOf<Bytes<SharedArrayBuffer>>();
  expectTypeOf(plain.toUint8Array()).toEqualTypeOf<Uint8Array<ArrayBuffer>>();
  expectTypeOf(shared.slice(0).toUint8Array()).toEqualTypeOf<Uint8Array<SharedArrayBuffer>>();
  expectTypeOf(shared.copy()).toEqualTypeOf<Bytes>();
  // As lib dom types a fetch body and what WebCrypto takes.
  const digest = (data: ArrayBufferView<ArrayBuffer>) => data.byteLength;
  digest(plain.toUint8Array());
  // @ts-expect-error it must be ordinary memory
  digest(shared.toUint8Array());
  // @ts-expect-error shared bytes are not ordinary ones
  const wrong: Bytes = shared;
  void wrong;
});

test('the kind of memory is carried through splitting, freezing, leases and lent buffers', () => {
  expectTypeOf(BytesMut.withCapacity(1).split().freeze()).toEqualTypeOf<Bytes>();
  expectTypeOf(BytesMut.withCapacity(1, { shared: true }).freeze()).toEqualTypeOf<Bytes<SharedArrayBuffer>>();
  const lease = createPool({ blockSize: 1, maxBlocks: 1 }).tryAcquire()!;
  expectTypeOf(Bytes.fromLease(lease)).toEqualTypeOf<Bytes>();
  expectTypeOf(Bytes.adopt(new Uint8Array(new SharedArrayBuffer(1)))).toEqualTypeOf<
    Bytes<SharedArrayBuffer>
  >();
  expectTypeOf(new Arena().f64).toEqualTypeOf<Float64Array<SharedArrayBuffer>>();
  const lent = new Arena({ memory: { buffer: new ArrayBuffer(64) } });
  expectTypeOf(lent.f64).toEqualTypeOf<Float64Array<ArrayBuffer>>();
});

test('elements have the type of their vector, and numbers are not handles', () => {
  expectTypeOf(new TypedVector('i64').get(0)).toEqualTypeOf<bigint>();
  expectTypeOf(new TypedVector('f32').view()).toEqualTypeOf<Float32Array<SharedArrayBuffer>>();
  // @ts-expect-error a plain number is no handle
  new Arena().offsetOf(5);
});
