import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { Bytes, BytesList, type BytesMessage, heap } from '@hotpath/memory';

/** Hashes what it gets; ordinary bytes go back by transfer, with their first byte changed. */
const WORKER = `
const { parentPort, workerData } = require('node:worker_threads');
import(workerData).then(({ Bytes, BytesMut }) => {
  parentPort.on('message', ({ id, message }) => {
    const bytes = Bytes.fromMessage(message);
    const hash = bytes.hash();
    if (message.buffer instanceof SharedArrayBuffer) {
      bytes.release();
      return parentPort.postMessage({ id, hash });
    }
    const mutable = BytesMut.reclaim(bytes);
    if (mutable.length > 0) mutable.setUint8(0, 255);
    const { message: back, transferList } = mutable.freeze().toMessage();
    parentPort.postMessage({ id, hash, back }, transferList);
  });
  parentPort.postMessage('ready');
});
`;

interface Reply {
  readonly id: number;
  readonly hash: number;
  readonly back?: BytesMessage;
}

const WORKERS = 2;
const MESSAGES = 600;
const IN_FLIGHT = 16;

test('hundreds of transfers and shares over several threads lose, mix up and leak nothing', async () => {
  const used = heap().stats().usedBlockCount;
  const workers = Array.from(
    { length: WORKERS },
    () => new Worker(WORKER, { eval: true, workerData: new URL('../dist/index.js', import.meta.url).href }),
  );
  try {
    await Promise.all(workers.map((worker) => once(worker, 'message')));
    const expected = new Map<
      number,
      { hash: number; length: number; shared: Bytes<SharedArrayBuffer> | undefined }
    >();
    let nextId = 0;
    let transferred = 0;
    const send = (worker: Worker): void => {
      const id = nextId++;
      const sizeBytes = (id * 7919) % 70_000;
      const content = new Uint8Array(sizeBytes).fill(id & 0xff);
      if (id % 2 === 0) {
        const bytes = Bytes.adopt(content);
        expected.set(id, { hash: bytes.hash(), length: sizeBytes, shared: undefined });
        const { message, transferList } = bytes.toMessage();
        worker.postMessage({ id, message }, transferList);
        return;
      }
      using whole = Bytes.concat(new BytesList([Bytes.adopt(content)]), { shared: true });
      const shared = whole.slice(sizeBytes >> 1);
      expected.set(id, { hash: shared.hash(), length: shared.length, shared });
      const { message, transferList } = shared.toMessage();
      worker.postMessage({ id, message }, transferList);
    };
    await Promise.all(
      workers.map(
        (worker) =>
          new Promise<void>((resolve, reject) => {
            let inFlight = 0;
            worker.on('error', reject);
            worker.on('message', ({ id, hash, back }: Reply) => {
              try {
                const sent = expected.get(id)!;
                expected.delete(id);
                expect(hash).toBe(sent.hash);
                sent.shared?.release();
                if (back !== undefined) {
                  transferred++;
                  const returned = Bytes.fromMessage(back);
                  expect(returned.length).toBe(sent.length);
                  if (returned.length > 0) expect(returned.getUint8(0)).toBe(255);
                }
                if (nextId < MESSAGES) send(worker);
                else if (--inFlight === 0) resolve();
              } catch (error) {
                reject(new Error('a reply is wrong', { cause: error }));
              }
            });
            for (; inFlight < IN_FLIGHT; inFlight++) send(worker);
          }),
      ),
    );
    expect(expected.size).toBe(0);
    expect(transferred).toBe(MESSAGES / 2);
    expect(heap().stats().usedBlockCount).toBe(used);
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
});
