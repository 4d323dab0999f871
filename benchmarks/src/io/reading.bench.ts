/**
 * I1 where reading is slow, or more than a process may do at once. Ten files whose read(2) itself takes 50 ms, by a
 * library in front of libc: no timer beside the call, so the thread pool is held up as a slow disk holds it up. And
 * files by the ten thousand with a thousand descriptors.
 */

import { execFile } from 'node:child_process';
import { mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Case, CaseContext, Findings, Operation, Variant, VariantKind } from '../harness/case.ts';
import { buildSyscallShim, whyNoSyscallShim } from '../services/index.ts';
import type { Reading, ReadingStrategy } from './reading-process.ts';

const PROGRAM = fileURLToPath(new URL('reading-process.js', import.meta.url));
const READ_MS = 50;
const SLOW_FILES = 10;
const MANY_FILES = 20_000;
/** Still more than descriptors. */
const QUICK_MANY_FILES = 1200;
const DESCRIPTORS = 1024;
const FILE_BYTES = 2000;

const start = promisify(execFile);

interface Arrangement {
  readonly files: number;
  readonly environment?: Record<string, string>;
  /** The limit on descriptors. */
  readonly descriptors?: number;
}

/** One process a run; it measures itself. */
function reading(
  kind: VariantKind,
  strategy: ReadingStrategy,
  arrange: (context: CaseContext, folder: string) => Arrangement,
): Variant {
  return {
    kind,
    setup(context): Operation {
      const folder = `${realpathSync(context.scratch)}/files`;
      mkdirSync(folder);
      const { files, environment, descriptors } = arrange(context, folder);
      for (let index = 0; index < files; index++) {
        writeFileSync(`${folder}/${index}.txt`, Buffer.alloc(FILE_BYTES, 'x'));
      }
      const command = `${descriptors === undefined ? '' : `ulimit -n ${descriptors}; `}exec "$0" "$@"`;
      let last: Reading | undefined;
      const run = async (): Promise<number> => {
        const { stdout } = await start(
          'sh',
          ['-c', command, process.execPath, PROGRAM, strategy, folder, String(files)],
          { env: { ...process.env, ...environment } },
        );
        last = JSON.parse(stdout) as Reading;
        return last.bytes + last.failedCount * FILE_BYTES;
      };
      return {
        run,
        answer: run,
        findings: (): Findings => ({
          measurements: [
            { metric: 'time', unit: 'ns for all files', value: last!.elapsedMs * 1e6, better: 'less' },
            { metric: 'count', unit: 'files not read', value: last!.failedCount, better: 'less' },
          ],
        }),
      };
    },
  };
}

/** Each read(2) below the folder takes 50 ms, on a thread pool of this size. */
function slowly(kind: VariantKind, strategy: ReadingStrategy, threads: number): Variant {
  const variant = reading(kind, strategy, (context, folder) => ({
    files: SLOW_FILES,
    environment: {
      ...buildSyscallShim(context.scratch).environment(folder, { readMs: READ_MS }),
      UV_THREADPOOL_SIZE: String(threads),
    },
  }));
  return { ...variant, skip: whyNoSyscallShim };
}

function slowCase(threads: number, guide: Case['guide']): Case {
  return {
    id: 'I1',
    case: `10 files, 50 ms a read, ${threads} threads`,
    package: 'io',
    tier: 'guide',
    params: { files: SLOW_FILES, readMs: READ_MS, UV_THREADPOOL_SIZE: threads },
    guide,
    async: true,
    experiment: true,
    variants: {
      naive: slowly('naive', 'blocking', threads),
      ours: slowly('ours', 'ours', threads),
      'node:fs.readFile at once': slowly('peer', 'readFile at once', threads),
    },
  };
}

/** Only Linux and macOS have `ulimit` in the shell. */
function manyFiles(kind: VariantKind, strategy: ReadingStrategy): Variant {
  const variant = reading(kind, strategy, ({ quick }) => ({
    files: quick ? QUICK_MANY_FILES : MANY_FILES,
    descriptors: DESCRIPTORS,
  }));
  return { ...variant, skip: () => (process.platform === 'win32' ? 'needs a shell with ulimit' : undefined) };
}

const cases: readonly Case[] = [
  slowCase(16, { text: '500 → 50 ms (10×)', ratio: 10, basis: 'ratio' }),
  // Four threads read four files at once: 10 files are three rounds, so 3.3× is the most.
  slowCase(4, null),
  {
    id: 'I1',
    case: '20,000 small files, ulimit -n 1024',
    package: 'io',
    tier: 'peers',
    params: { files: MANY_FILES, descriptors: DESCRIPTORS, fileBytes: FILE_BYTES },
    quickParams: { files: QUICK_MANY_FILES },
    guide: null,
    async: true,
    experiment: true,
    variants: {
      'naive:one after another': manyFiles('naive', 'awaited'),
      ours: manyFiles('ours', 'ours'),
      'graceful-fs': manyFiles('peer', 'graceful-fs'),
      'floor:readFileSync': manyFiles('floor', 'blocking'),
    },
  },
];

export default cases;
