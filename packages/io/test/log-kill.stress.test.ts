import { spawn } from 'node:child_process';
import { mkdtempSync, realpathSync, statSync } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test } from 'vitest';
import { openLog, readLog } from '@hotpath/io';
import { buildSyscallShim, whyNoSyscallShim } from '../../../benchmarks/dist/services/index.js';

const LIBRARY = new URL('../dist/index.js', import.meta.url).href;
/** How often the writer is killed; HOTPATH_KILLS=100 and more for a long run. */
const KILLS = Number(process.env['HOTPATH_KILLS'] ?? 20);
/** More kills at most, should none of them have come in the middle of a frame. */
const FURTHER_KILLS = 100;
/** A new file from here on, for each is read whole after each kill. */
const FILE_BYTES_MAX = 16 << 20;
/** What a write(2) takes, every other time: a large record is 512 calls. */
const SHORT_WRITE_BYTES = 512;

/** Every eighth is large, so each group of eight has one. */
const lengthOf = (number: number): number => (number % 8 === 0 ? 1 << 18 : (number * 7919) % 5000);

/** Appends numbered records of many lengths, and prints each number that is durable. */
const WRITER = `
  import { openLog } from ${JSON.stringify(LIBRARY)};
  const lengthOf = ${lengthOf.toString()};
  const log = await openLog(process.argv[1]);
  let next = Number(process.argv[2]);
  await Promise.all(Array.from({ length: 8 }, async () => {
    for (;;) {
      const number = next++;
      await log.durable(log.append(number + ':' + 'x'.repeat(lengthOf(number))));
      process.stdout.write(number + '\\n');
    }
  }));`;

/** Returns as soon as the file has begun to grow, which here is in the middle of a frame; not much later than this if it never does. */
function waitForWrite(path: string, patienceMs: number): void {
  const { size } = statSync(path);
  for (const start = performance.now(); performance.now() - start < patienceMs;) {
    if (statSync(path).size > size) return;
  }
}

/** Lets a process write from this record on, kills it in the write after so many acknowledgements, and returns the highest acknowledged. */
async function writeUntilKilled(
  path: string,
  first: number,
  killAfter: number,
  environment: Record<string, string>,
): Promise<number> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', WRITER, path, String(first)], {
    env: { ...process.env, ...environment },
  });
  let problems = '';
  child.stderr.on('data', (text: Buffer) => (problems += text.toString()));
  const closed = new Promise((resolve) => child.on('close', resolve));
  let acknowledgedCount = 0;
  let highest = -1;
  for await (const line of createInterface(child.stdout)) {
    highest = Math.max(highest, Number(line));
    if (++acknowledgedCount !== killAfter) continue;
    waitForWrite(path, 200);
    child.kill('SIGKILL');
  }
  await closed;
  expect(problems).toBe('');
  expect(child.signalCode).toBe('SIGKILL');
  return highest;
}

/** Each record once and in order; returns how many. */
async function countSound(path: string): Promise<number> {
  let number = 0;
  for await (const { bytes } of readLog(path)) {
    const text = Buffer.from(bytes).toString('latin1');
    expect(text === `${number}:${'x'.repeat(lengthOf(number))}`).toBe(true);
    number++;
  }
  return number;
}

test(
  `killed ${KILLS} times while it writes, in the middle of frames too: no acknowledged record is lost, none is there twice`,
  async () => {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'hotpath-log-')));
    onTestFinished(() => rm(folder, { recursive: true }));
    const shim = whyNoSyscallShim() === undefined ? buildSyscallShim(folder) : undefined;
    const shortWrites = shim?.environment(folder, { writeBytesMax: SHORT_WRITE_BYTES }) ?? {};
    let path = join(folder, '0.log');
    let recordCount = 0;
    let tornTails = 0;
    let kills = 0;
    for (; kills < KILLS || (tornTails === 0 && kills < KILLS + FURTHER_KILLS); kills++) {
      const killAfter = 1 + ((kills * 37) % 40);
      const highest = await writeUntilKilled(
        path,
        recordCount,
        killAfter,
        kills % 2 === 0 ? shortWrites : {},
      );
      // The lock of the killed process is still there and is taken over.
      const log = await openLog(path);
      if (log.recovery.truncatedBytes > 0) tornTails++;
      await log.close();
      recordCount = await countSound(path);
      expect(recordCount).toBeGreaterThan(highest);
      if ((await stat(path)).size > FILE_BYTES_MAX) {
        path = join(folder, `${kills + 1}.log`);
        recordCount = 0;
      }
    }
    console.log(`${kills} kills, ${tornTails} torn tails`);
    // Or recovery was never put to the test.
    expect(tornTails).toBeGreaterThan(0);
  },
  120_000 + KILLS * 2000,
);
