import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  buildSyscallShim,
  whyNoSyscallShim,
  type SyscallFaults,
  type SyscallShim,
} from '../../../benchmarks/dist/services/index.js';

const LIBRARY = new URL('../dist/index.js', import.meta.url).href;
const reason = whyNoSyscallShim();
const skipped = reason === undefined ? '' : ` (skipped: ${reason})`;

let folder: string;
let shim: SyscallShim;

beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'hotpath-io-')));
  if (reason === undefined) shim = buildSyscallShim(folder);
});

afterAll(() => rmSync(folder, { recursive: true }));

/** Runs a module in a process with these faults on every file of the test's folder; returns what it answers. */
function run(faults: SyscallFaults, source: string): unknown {
  const module = `
    import { writeSync } from 'node:fs';
    import { createWriter, isRetryable, openLog, readFiles } from ${JSON.stringify(LIBRARY)};
    const folder = ${JSON.stringify(folder)};
    const codeOf = (promise) => promise.then(() => 'fulfilled', (error) => error.code);
    const lines = Array.from({ length: 5000 }, (_, index) => index + ' ' + 'é'.repeat(index % 50) + '\\n');
    const answer = (value) => writeSync(1, JSON.stringify(value));
    ${source}`;
  const child = spawnSync(process.execPath, ['--input-type=module', '-e', module], {
    encoding: 'utf8',
    env: { ...process.env, ...shim.environment(folder, faults) },
  });
  expect(child.stderr).toBe('');
  return JSON.parse(child.stdout);
}

const LINES = Array.from({ length: 5000 }, (_, index) => `${index} ${'é'.repeat(index % 50)}\n`).join('');

describe.skipIf(reason !== undefined)(`with system calls that misbehave${skipped}`, () => {
  test.each(['async', 'sync'])(
    'short and interrupted writes, and a full disk again and again, lose and repeat nothing in %s mode',
    (mode) => {
      const path = join(folder, `${mode}.log`);
      const answer = run(
        { writeBytesMax: 777, writeInterruptEvery: 5, writeNoSpaceEvery: 97 },
        `const writer = createWriter(${JSON.stringify(path)}, { mode: ${JSON.stringify(mode)}, highWaterMark: 1 << 20 });
         for (const line of lines) writer.write(line);
         let refused = 0;
         for (;;) {
           try { await writer.flush(); break; }
           catch (error) {
             if (error.cause.code !== 'ENOSPC' || !isRetryable(error)) throw error;
             refused++;
             writer.retry();
           }
         }
         const { pendingBytes } = writer.stats();
         await writer.close();
         answer({ refused, pendingBytes });`,
      ) as { readonly refused: number };
      expect(answer).toMatchObject({ pendingBytes: 0 });
      expect(answer.refused).toBeGreaterThan(1);
      expect(readFileSync(path, 'utf8') === LINES).toBe(true);
    },
  );

  test('a slow fdatasync is shared by all who wait', () => {
    const answer = run(
      { syncMs: 100 },
      `const writer = createWriter(folder + '/slow.log');
       writer.write(lines[0]);
       const durable = [writer.flush({ sync: true })];
       for (const line of lines.slice(1, 500)) {
         writer.write(line);
         durable.push(writer.flush({ sync: true }));
         await writer.flush();
       }
       await Promise.all(durable);
       const { syncCallCount, durableBytes, writtenBytes } = writer.stats();
       await writer.close();
       answer({ syncCallCount, isDurable: durableBytes === writtenBytes });`,
    ) as { readonly syncCallCount: number };
    expect(answer).toMatchObject({ isDurable: true });
    // One for the first, one for those that came meanwhile; more only where writing took longer than an fdatasync.
    expect(answer.syncCallCount).toBeLessThan(50);
  });

  test('after a failed fdatasync nothing counts as durable any more, in a writer and in a log', () => {
    const faults = { syncFailAt: 2 };
    expect(
      run(
        faults,
        `const writer = createWriter(folder + '/failed.log');
         writer.write('a');
         const codes = [await codeOf(writer.flush({ sync: true }))];
         for (const text of ['b', 'c']) {
           writer.write(text);
           codes.push(await codeOf(writer.flush({ sync: true })));
         }
         const { durableBytes, syncCallCount } = writer.stats();
         codes.push(await codeOf(writer.close()));
         answer({ codes, durableBytes, syncCallCount });`,
      ),
    ).toEqual({
      codes: ['fulfilled', 'ERR_HOTPATH_IO_SYNC_FAILED', 'ERR_HOTPATH_IO_SYNC_FAILED', 'fulfilled'],
      durableBytes: 1,
      syncCallCount: 2,
    });
    expect(
      run(
        { syncFailAt: 6 },
        `const log = await openLog(folder + '/records.log');
         const codes = [];
         for (let index = 0; index < 20; index++) {
           try { codes.push(await codeOf(log.durable(log.append('x')))); }
           catch (error) { codes.push(error.code); }
         }
         answer([...new Set(codes)]);
         process.exit();`,
      ),
    ).toEqual(['fulfilled', 'ERR_HOTPATH_IO_SYNC_FAILED']);
  });

  test('files whose reads take long arrive whole', () => {
    for (let index = 0; index < 4; index++) writeFileSync(join(folder, `${index}.txt`), 'slow');
    const answer = run(
      { readMs: 100 },
      `const files = [0, 1, 2, 3].map((index) => folder + '/' + index + '.txt');
       const start = performance.now();
       let text = '';
       for await (const { bytes, error } of readFiles(files)) text += error ?? bytes;
       answer({ text, ms: performance.now() - start });`,
    );
    expect(answer).toMatchObject({ text: 'slowslowslowslow' });
    expect((answer as { readonly ms: number }).ms).toBeGreaterThanOrEqual(100);
  });
});
