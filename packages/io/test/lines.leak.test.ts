import { Buffer } from 'node:buffer';
import { expect, test } from 'vitest';
import { lines } from '@hotpath/io';

const CHUNK_BYTES = 128 << 10;
const CHUNKS = 200;
const LINE_BYTES = 64;

/** Chunks of short lines, plain ASCII or with a character that is not. */
function* chunks(character: string): Generator<Uint8Array> {
  const line = character.padEnd(LINE_BYTES - 2 - Buffer.byteLength(character), '.');
  const text = `${line}\n`.repeat(CHUNK_BYTES / LINE_BYTES);
  for (let index = 0; index < CHUNKS; index++) yield Buffer.from(text);
}

function heapBytes(): number {
  globalThis.gc!();
  return process.memoryUsage().heapUsed;
}

test.each(['a', 'é'])('a line that is kept does not keep its chunk, with lines of %s', async (character) => {
  const kept: string[] = [];
  const before = heapBytes();
  for await (const batch of lines(chunks(character)).batches()) kept.push(batch[batch.length >> 1]!);
  const heldBytes = heapBytes() - before;
  expect(kept.length).toBeGreaterThanOrEqual(CHUNKS);
  // 2 KiB of neighbours each, two bytes a character where one is wide, and as much again for all else.
  expect(heldBytes).toBeLessThan(kept.length * 8 * 1024);
});

test('the piece of a line that comes byte by byte takes about its bytes', async () => {
  const PIECES = 200_000;
  let heldBytes = 0;
  const byteByByte = (function* (): Generator<Uint8Array> {
    const before = heapBytes() + process.memoryUsage().arrayBuffers;
    for (let index = 0; index < PIECES; index++) yield Buffer.from('x');
    heldBytes = heapBytes() + process.memoryUsage().arrayBuffers - before;
  })();
  const all: string[] = [];
  for await (const line of lines(byteByByte)) all.push(line);
  expect(all).toEqual(['x'.repeat(PIECES)]);
  expect(heldBytes).toBeLessThan(16 * PIECES);
});
