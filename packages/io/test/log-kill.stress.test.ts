import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test } from 'vitest';
import { openLog, readLog } from '@hotpath/io';

const LIBRARY = new URL('../dist/index.js', import.meta.url).href;
/** How often the writer is killed; HOTPATH_KILLS=100 and more for a long run. */
const KILLS = Number(process.env['HOTPATH_KILLS'] ?? 20);

const lengthOf = (number: number): number => (number % 64 === 0 ? 1 << 20 : (number * 7919) % 5000);

/** Appends numbered records of many lengths, and prints the highest number that is durable. */
const WRITER = `
  import { openLog } from ${JSON.stringify(LIBRARY)};
  // Every 64th is long enough for a kill to come in the middle of its write(2).
  const lengthOf = (number) => (number % 64 === 0 ? 1 << 20 : (number * 7919) % 5000);
  const log = await openLog(process.argv[1]);
  let next = Number(process.argv[2]);
  await Promise.all(Array.from({ length: 8 }, async () => {
    for (;;) {
      const number = next++;
      await log.durable(log.append(number + ':' + 'x'.repeat(lengthOf(number))));
      process.stdout.write(number + '\\n');
    }
  }));`;

test(
  `killed ${KILLS} times while it writes: no acknowledged record is lost, none is there twice`,
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'hotpath-log-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const path = join(folder, 'x.log');
    let expectedNext = 0;
    let tornTails = 0;
    for (let round = 0; round < KILLS; round++) {
      const child = spawn(process.execPath, [
        '--input-type=module',
        '-e',
        WRITER,
        path,
        String(expectedNext),
      ]);
      let problems = '';
      child.stderr.on('data', (text: Buffer) => (problems += text.toString()));
      const closed = new Promise((resolve) => child.on('close', resolve));
      const acknowledged = new Set<number>();
      const killAfter = 1 + ((round * 37) % 200);
      for await (const line of createInterface(child.stdout)) {
        acknowledged.add(Number(line));
        if (acknowledged.size === killAfter) child.kill('SIGKILL');
      }
      await closed;
      expect(problems).toBe('');
      // The lock of the killed process is still there and is taken over.
      const log = await openLog(path);
      if (log.recovery.truncatedBytes > 0) tornTails++;
      await log.close();
      let number = 0;
      for await (const { bytes } of readLog(path)) {
        const text = Buffer.from(bytes).toString();
        expect(text === `${number}:${'x'.repeat(lengthOf(number))}`).toBe(true);
        number++;
      }
      expect(number).toBeGreaterThan(Math.max(...acknowledged));
      expectedNext = number;
    }
    console.log(`${KILLS} kills, ${expectedNext} records, ${tornTails} torn tails`);
  },
  120_000 + KILLS * 2000,
);
