import { createHash } from 'node:crypto';
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer as bufferOf } from 'node:stream/consumers';
import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { Bytes, BytesList, BytesMut, type BytesMessage, payloadBytesCopied } from '@hotpath/memory';

const code = (name: string) => expect.objectContaining({ code: `ERR_HOTPATH_MEMORY_${name}` });
const payload = () => Bytes.from('x'.repeat(200_000) + 'end');

test('Node streams: out by views, in by collect', async () => {
  const bytes = payload();
  expect((await bufferOf(Readable.from(bytes.views(1000)))).equals(bytes.toBuffer())).toBe(true);
  const back = await Bytes.collect(Readable.from(bytes.views(1000)), { maxBytes: 1e6 });
  expect(back.equals(bytes)).toBe(true);
});

test('Web streams, Blob and Response: in and out', async () => {
  const bytes = payload();
  const blob = new Blob([bytes.toUint8Array()]);
  const fromBlob = await Bytes.collect(blob.stream(), { maxBytes: 1e6 });
  expect(fromBlob.equals(bytes)).toBe(true);
  const response = new Response(bytes.toUint8Array());
  const list = await BytesList.collect(response.body!, { maxBytes: 1e6 });
  expect(list.toBytes().equals(bytes)).toBe(true);
  const out = BytesMut.withCapacity(0);
  expect(await out.putStream(new Response(bytes.toUint8Array()).body!, { maxBytes: 1e6 })).toBe(bytes.length);
  expect(out.equals(bytes)).toBe(true);
});

test('a single chunk is adopted, not copied', async () => {
  const chunk = new Uint8Array(1000);
  const before = payloadBytesCopied();
  const bytes = await Bytes.collect(Readable.from([chunk]), { maxBytes: 1000 });
  expect(payloadBytesCopied()).toBe(before);
  expect(bytes.toUint8Array().buffer).toBe(chunk.buffer);
});

test('a source that gives too much is cut off and closed; what is not bytes is refused', async () => {
  let isClosed = false;
  async function* endless() {
    try {
      for (;;) yield new Uint8Array(100);
    } finally {
      isClosed = true;
    }
  }
  await expect(Bytes.collect(endless(), { maxBytes: 1000 })).rejects.toThrow(code('CAPACITY'));
  expect(isClosed).toBe(true);
  await expect(Bytes.collect(Readable.from(['text']), { maxBytes: 10 })).rejects.toThrow(
    code('ARGUMENT_TYPE'),
  );
  await expect(Bytes.collect([] as never, { maxBytes: 10 })).rejects.toThrow(code('ARGUMENT_TYPE'));
  await expect(Bytes.collect(endless(), {} as never)).rejects.toThrow(code('ARGUMENT_TYPE'));
  await expect(Bytes.collect(endless(), { maxBytes: NaN })).rejects.toThrow(code('ARGUMENT_RANGE'));
});

test('fetch sends the bytes as a body and WebCrypto digests them', async () => {
  const bytes = payload().slice(100);
  const server = createServer((request, response) => {
    request.pipe(response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const response = await fetch(url, { method: 'POST', body: bytes.toUint8Array() });
    const echoed = await Bytes.collect(response.body!, { maxBytes: 1e6 });
    expect(echoed.equals(bytes)).toBe(true);
  } finally {
    server.closeAllConnections();
    server.close();
  }
  const digest = await crypto.subtle.digest('SHA-256', bytes.toUint8Array());
  expect(Bytes.adopt(new Uint8Array(digest)).toHex()).toBe(
    createHash('sha256').update(bytes.toUint8Array()).digest('hex'),
  );
});

test('shared memory decodes, hashes and compares as ordinary memory does', () => {
  using shared = Bytes.from('héllo shared', { shared: true });
  const plain = shared.copy();
  expect(shared.toUtf8({ fatal: true })).toBe('héllo shared');
  expect(shared.toHex()).toBe(plain.toHex());
  expect(shared.hash()).toBe(plain.hash());
  expect(shared.compare(plain)).toBe(0);
  expect(shared.indexOf('sh')).toBe(plain.indexOf('sh'));
  expect(createHash('sha1').update(shared.toUint8Array()).digest('hex')).toBe(
    createHash('sha1').update(plain.toUint8Array()).digest('hex'),
  );
});

test('a file is read straight into spare capacity', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'hotpath-bytes-'));
  try {
    const text = 'line\n'.repeat(20_000);
    await writeFile(join(folder, 'in'), text);
    const file = await open(join(folder, 'in'));
    const out = BytesMut.withCapacity(200_000);
    const before = payloadBytesCopied();
    while ((await out.readFrom(file)) > 0);
    expect(payloadBytesCopied()).toBe(before);
    expect(out.toUtf8()).toBe(text);
    expect(await out.readFrom(file, { position: 5, minSpareBytes: 1 })).toBeGreaterThan(0);
    await file.close();
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('ordinary memory moves to another port: nothing is copied, and the sender has lost it', () => {
  const array = new Uint8Array(1_000_000);
  array[500_000] = 42;
  const bytes = Bytes.adopt(array).slice(0);
  const only = Bytes.adopt(new Uint8Array(10));
  const { port1, port2 } = new MessageChannel();
  try {
    const handle = Bytes.adopt(array);
    handle.splitTo(400_000).release();
    const before = payloadBytesCopied();
    const { message, transferList } = handle.toMessage();
    port1.postMessage(message, transferList);
    const received = Bytes.fromMessage((receiveMessageOnPort(port2) as { message: BytesMessage }).message);
    expect(received.length).toBe(600_000);
    expect(received.getUint8(100_000)).toBe(42);
    expect(payloadBytesCopied()).toBe(before);
    expect(handle.isReleased).toBe(true);
    expect(() => bytes.toUint8Array()).toThrow(code('BUFFER_DETACHED'));
    expect(only.toMessage().transferList).toHaveLength(1);
  } finally {
    port1.close();
  }
});

test('memory that something else holds is not handed over', () => {
  const two = Bytes.from('abc');
  const clone = two.clone();
  expect(() => two.toMessage()).toThrow(code('NOT_TRANSFERABLE'));
  clone.release();
  expect(two.toMessage().transferList).toHaveLength(1);
  expect(() => Bytes.adopt(new Uint8Array(10).subarray(1)).toMessage()).toThrow(code('NOT_TRANSFERABLE'));
  expect(() => Bytes.adopt(new Uint8Array(10), () => {}).toMessage()).toThrow(code('NOT_TRANSFERABLE'));
  expect(() => Bytes.adopt(Buffer.from('pooled')).toMessage()).toThrow(code('NOT_TRANSFERABLE'));
});

const WORKER = `
const { parentPort, workerData } = require('node:worker_threads');
import(workerData).then(({ Bytes }) => {
  parentPort.on('message', (message) => {
    const bytes = Bytes.fromMessage(message);
    const isShared = message.buffer instanceof SharedArrayBuffer;
    if (isShared) bytes.toUint8Array()[0] = 7;
    const answer = { hash: bytes.hash(), length: bytes.length };
    if (isShared) return parentPort.postMessage({ answer });
    const { message: back, transferList } = bytes.toMessage();
    parentPort.postMessage({ answer, back }, transferList);
  });
});
`;

test('a real thread gets transferred bytes and sends them back, and sees shared bytes in place', async () => {
  const worker = new Worker(WORKER, {
    eval: true,
    workerData: new URL('../dist/index.js', import.meta.url).href,
  });
  try {
    const bytes = payload();
    const hash = bytes.hash();
    const { message, transferList } = bytes.toMessage();
    worker.postMessage(message, transferList);
    const [reply] = (await once(worker, 'message')) as [{ answer: object; back: BytesMessage }];
    expect(reply.answer).toEqual({ hash, length: 200_003 });
    expect(Bytes.fromMessage(reply.back).hash()).toBe(hash);

    using shared = Bytes.from('shared!', { shared: true });
    const part = shared.slice(2);
    const handOver = part.toMessage();
    worker.postMessage(handOver.message, handOver.transferList);
    const [second] = (await once(worker, 'message')) as [{ answer: { hash: number; length: number } }];
    expect(second.answer.length).toBe(5);
    expect(shared.getUint8(2)).toBe(7);
    expect(second.answer.hash).toBe(part.hash());
    part.release();
  } finally {
    await worker.terminate();
  }
});
