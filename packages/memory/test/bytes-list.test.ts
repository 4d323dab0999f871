import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Bytes, BytesList, payloadBytesCopied, type WritesVectors } from '@hotpath/memory';

const code = (name: string) => expect.objectContaining({ code: `ERR_HOTPATH_MEMORY_${name}` });
const listOf = (...texts: string[]) => new BytesList(texts.map((text) => Bytes.from(text)));

test('pushes, unshifts, appends and joins in order', () => {
  const list = listOf('b', '', 'cd');
  list.unshift(Bytes.from('a'));
  const other = listOf('e', 'f');
  list.append(other);
  expect(other.length).toBe(0);
  expect(list.chunkCount).toBe(5);
  expect(list.toBytes().toUtf8()).toBe('abcdef');
  expect([0, 1, 2, 5].map((i) => String.fromCharCode(list.getUint8(i)))).toEqual(['a', 'b', 'c', 'f']);
  list.advance(3);
  list.unshift(Bytes.from('X'));
  expect(list.toBytes().toUtf8()).toBe('Xdef');
});

test('slicing, splitting and consuming copy nothing and release what they pass', () => {
  let freed = 0;
  const part = (text: string) => Bytes.adopt(Buffer.from(text), () => freed++);
  const list = new BytesList([part('hello'), part(' '), part('world')]);
  const before = payloadBytesCopied();
  const middle = list.slice(3, 8);
  const head = list.splitTo(6);
  expect(head.length).toBe(6);
  list.advance(2);
  expect(payloadBytesCopied()).toBe(before);
  const textOf = (part: BytesList) => {
    using bytes = part.toBytes();
    return bytes.toUtf8();
  };
  expect(textOf(middle)).toBe('lo wo');
  expect(textOf(head)).toBe('hello ');
  expect(textOf(list)).toBe('rld');
  expect(freed).toBe(0);
  head.release();
  list.release();
  expect(freed).toBe(0);
  middle.release();
  expect(freed).toBe(3);
});

test('writes everything through partial writes, in order and without joining', async () => {
  const written: Buffer[] = [];
  const target: WritesVectors = {
    writev: async (views) => {
      const all = Buffer.concat(views);
      const bytesWritten = Math.min(all.length, 7);
      written.push(all.subarray(0, bytesWritten));
      return { bytesWritten };
    },
  };
  const texts = Array.from({ length: 50 }, (_, i) => `part ${i};`);
  const list = listOf(...texts);
  const before = payloadBytesCopied();
  expect(await list.writeTo(target)).toBe(texts.join('').length);
  expect(payloadBytesCopied()).toBe(before);
  expect(Buffer.concat(written).toString()).toBe(texts.join(''));
  expect(list.length).toBe(0);
});

test('a failed write leaves what was not written', async () => {
  let calls = 0;
  const list = listOf('abc', 'def');
  const target: WritesVectors = {
    writev: async () => {
      if (calls++ === 0) return { bytesWritten: 4 };
      throw new Error('disk full');
    },
  };
  await expect(list.writeTo(target)).rejects.toThrow('disk full');
  expect(list.toBytes().toUtf8()).toBe('ef');
  await expect(list.writeTo({ writev: async () => ({ bytesWritten: 0 }) })).rejects.toThrow(
    code('ARGUMENT_RANGE'),
  );
  await expect(list.writeTo({ writev: async () => ({ bytesWritten: 3 }) })).rejects.toThrow(
    code('ARGUMENT_RANGE'),
  );
  await expect(list.writeTo({} as WritesVectors)).rejects.toThrow(code('ARGUMENT_TYPE'));
});

test('writes more chunks than one system call takes to a real file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'hotpath-list-'));
  try {
    const file = await open(join(folder, 'out'), 'w+');
    const texts = Array.from({ length: 3000 }, (_, i) => `${i},`);
    expect(await listOf(...texts).writeTo(file)).toBe(texts.join('').length);
    expect(await listOf('AB').writeTo(file, 1)).toBe(2);
    await file.close();
    expect(await readFile(join(folder, 'out'), 'utf8')).toBe(texts.join('').replace('0,1', '0AB'));
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('bad input and use after release are typed errors', () => {
  const list = listOf('abc');
  for (const index of [-1, 3, 0.5, NaN]) expect(() => list.getUint8(index)).toThrow(code('ARGUMENT_RANGE'));
  for (const at of [-1, 4, 0.5, NaN]) {
    expect(() => list.splitTo(at)).toThrow(code('ARGUMENT_RANGE'));
    expect(() => list.advance(at)).toThrow(code('ARGUMENT_RANGE'));
    expect(() => list.slice(0, at)).toThrow(code('ARGUMENT_RANGE'));
  }
  expect(() => list.views(0)).toThrow(code('ARGUMENT_RANGE'));
  expect(() => list.push('x' as never)).toThrow(code('ARGUMENT_TYPE'));
  expect(() => list.append(list)).toThrow(code('ARGUMENT_TYPE'));
  expect(() => new BytesList(5 as never)).toThrow(code('ARGUMENT_TYPE'));
  const gone = Bytes.from('x');
  gone.release();
  expect(() => list.push(gone)).toThrow(code('BYTES_RELEASED'));
  expect(list.toBytes().toUtf8()).toBe('abc');
  list.release();
  for (const use of [
    () => list.push(Bytes.from('a')),
    () => list.views(),
    () => list.release(),
    () => list.clone(),
    () => list.toBytes(),
  ]) {
    expect(use).toThrow(code('BYTES_RELEASED'));
  }
  list[Symbol.dispose]();
});
