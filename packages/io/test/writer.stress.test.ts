import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createWriter } from '@hotpath/io';

async function freshPath(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'hotpath-io-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return join(folder, 'x.log');
}

test.each(['async', 'sync'] as const)(
  'a million lines from many producers with flushes and rotations between, in %s mode',
  async (mode) => {
    const path = await freshPath();
    const writer = createWriter(path, { mode, highWaterMark: 256 * 1024 });
    const expected = createHash('sha256');
    const paths = [path];
    const rotations: Promise<void>[] = [];
    const flushes: Promise<void>[] = [];
    let count = 0;
    let mostPendingBytes = 0;
    const produce = async (): Promise<void> => {
      while (count < 1_000_000) {
        const line = `{"n":${count},"msg":"größer 漢字 😀 ${'x'.repeat(count % 60)}"}\n`;
        count++;
        expected.update(line);
        const hasRoom = writer.write(count % 97 === 0 ? Buffer.from(line) : line);
        if (count % 5000 === 0) flushes.push(writer.flush({ sync: count % 100_000 === 0 }));
        if (count % 200_000 === 0) {
          paths.push(`${path}.${paths.length}`);
          rotations.push(writer.reopen(paths.at(-1)));
        }
        if (!hasRoom) {
          mostPendingBytes = Math.max(mostPendingBytes, writer.stats().pendingBytes);
          await writer.ready();
        }
      }
    };
    await Promise.all(Array.from({ length: 8 }, produce));
    await writer.close();
    await Promise.all([...flushes, ...rotations]);
    const actual = createHash('sha256');
    for (const part of paths)
      for await (const chunk of createReadStream(part)) actual.update(chunk as Buffer);
    expect(paths.length).toBe(6);
    expect(actual.digest('hex')).toBe(expected.digest('hex'));
    // Eight producers may each add the one line that they were about to write.
    expect(mostPendingBytes).toBeLessThan(256 * 1024 + 8 * 400);
  },
);
