/** I1: many small files; I3: copies; and lines, which every log reader starts with. */

import fs from 'node:fs';
import type { ReadFilesOptions } from '@hotpath/io';
import type { Case, CaseContext, Operation, VariantKind, Variant } from '../harness/case.ts';

const FILES = 1000;
const FILE_BYTES = 2000;
const LINES = 200_000;
const LINES_BUFFER_BYTES = 64 << 10;
const COPY_BYTES = 100 << 20;
const BYTE_COPY_BYTES = 64 << 10;

type ReadAll = (paths: readonly string[]) => Promise<number> | number;

function reading(kind: VariantKind, load: () => Promise<ReadAll> | ReadAll): Variant {
  return {
    kind,
    async setup(context: CaseContext): Promise<Operation> {
      const paths = Array.from({ length: FILES }, (_, index) => `${context.scratch}/${index}.txt`);
      for (const path of paths) fs.writeFileSync(path, Buffer.alloc(FILE_BYTES, 'x'));
      const readAll = await load();
      const run = (): Promise<number> | number => readAll(paths);
      return { run, answer: run };
    },
  };
}

async function readingOurs(options?: ReadFilesOptions): Promise<ReadAll> {
  const { readFiles } = await import('@hotpath/io');
  return async (paths) => {
    let total = 0;
    for await (const { bytes, error } of readFiles(paths, options)) {
      if (error !== undefined) throw error;
      total += bytes.length;
    }
    return total;
  };
}

async function sizesOf(files: readonly Promise<Buffer>[]): Promise<number> {
  let total = 0;
  for (const bytes of await Promise.all(files)) total += bytes.length;
  return total;
}

type CountLines = (path: string) => Promise<number>;

/** The answer is the number of lines and of their characters, so that each has been looked at. */
function counting(kind: VariantKind, load: () => Promise<CountLines> | CountLines): Variant {
  return {
    kind,
    async setup(context: CaseContext): Promise<Operation> {
      const { logLine } = await import('../workloads/log-lines.ts');
      const path = `${context.scratch}/lines.log`;
      const text = Array.from({ length: LINES }, (_, index) => logLine(context.seed, index));
      fs.writeFileSync(path, text.join(''));
      const count = await load();
      const run = (): Promise<number> => count(path);
      return { run, answer: run };
    },
  };
}

type Copy = (from: string, to: string) => Promise<void>;

function copying(kind: VariantKind, sizeBytes: number, load: () => Promise<Copy> | Copy): Variant {
  return {
    kind,
    async setup(context: CaseContext): Promise<Operation> {
      const from = `${context.scratch}/from`;
      const to = `${context.scratch}/to`;
      fs.writeFileSync(from, Buffer.alloc(sizeBytes, 'hotpath'));
      const copy = await load();
      return {
        run: () => copy(from, to),
        async answer() {
          await copy(from, to);
          return Buffer.compare(fs.readFileSync(from), fs.readFileSync(to));
        },
      };
    },
  };
}

/** Through a buffer of this many bytes. */
function throughBuffer(bufferBytes: number): Copy {
  return async (from, to) => {
    const source = fs.openSync(from, 'r');
    const target = fs.openSync(to, 'w');
    const buffer = Buffer.alloc(bufferBytes);
    for (let read = fs.readSync(source, buffer); read > 0; read = fs.readSync(source, buffer)) {
      fs.writeSync(target, buffer, 0, read);
    }
    fs.closeSync(source);
    fs.closeSync(target);
  };
}

const cases: readonly Case[] = [
  {
    id: 'I1',
    case: '1000 small files',
    package: 'io',
    tier: 'peers',
    params: { files: FILES, fileBytes: FILE_BYTES },
    guide: null,
    async: true,
    variants: {
      'naive:one after another': reading('naive', () => async (paths) => {
        let total = 0;
        for (const path of paths) total += (await fs.promises.readFile(path)).length;
        return total;
      }),
      ours: reading('ours', () => readingOurs()),
      // By name, for files that are known to be small: core's readFile from Node 26 on.
      'ours:no bound of memory': reading('ours', () => readingOurs({ maxBytes: Infinity })),
      'node:fs.readFile at once': reading('peer', () => (paths) => {
        return sizesOf(
          paths.map(
            (path) =>
              new Promise((resolve, reject) => {
                fs.readFile(path, (error, bytes) => {
                  if (error === null) resolve(bytes);
                  else reject(error);
                });
              }),
          ),
        );
      }),
      'node:fs/promises.readFile at once': reading('peer', () => (paths) => {
        return sizesOf(paths.map((path) => fs.promises.readFile(path)));
      }),
      'floor:readFileSync': reading('floor', () => (paths) => {
        let total = 0;
        for (const path of paths) total += fs.readFileSync(path).length;
        return total;
      }),
    },
  },
  {
    id: 'I1',
    case: 'lines of 21 MB',
    package: 'io',
    tier: 'peers',
    params: { lines: LINES, lineBytes: 107 },
    guide: null,
    async: true,
    variants: {
      'ours:batches': counting('ours', async () => {
        const { lines } = await import('@hotpath/io');
        return async (path) => {
          let total = 0;
          for await (const batch of lines(path).batches()) for (const line of batch) total += line.length + 1;
          return total;
        };
      }),
      ours: counting('ours', async () => {
        const { lines } = await import('@hotpath/io');
        return async (path) => {
          let total = 0;
          for await (const line of lines(path)) total += line.length + 1;
          return total;
        };
      }),
      'node:readline': counting('peer', async () => {
        const { createInterface } = await import('node:readline');
        return async (path) => {
          let total = 0;
          const input = fs.createReadStream(path);
          for await (const line of createInterface({ input, crlfDelay: Infinity })) total += line.length + 1;
          return total;
        };
      }),
      split2: counting('peer', async () => (await import('./peers/split2.ts')).countLines),
      // What no reader that makes a string a line can do without, and no stream or promise beside it.
      'floor:readSync and slice': counting('floor', () => async (path) => {
        const descriptor = fs.openSync(path, 'r');
        const buffer = Buffer.alloc(LINES_BUFFER_BYTES);
        let total = 0;
        let rest = '';
        for (let read = fs.readSync(descriptor, buffer); read > 0; read = fs.readSync(descriptor, buffer)) {
          const text = rest + buffer.toString('latin1', 0, read);
          let start = 0;
          for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
            total += text.slice(start, end).length + 1;
            start = end + 1;
          }
          rest = text.slice(start);
        }
        fs.closeSync(descriptor);
        return total;
      }),
    },
  },
  {
    id: 'I3',
    case: '100 MB',
    package: 'io',
    tier: 'peers',
    params: { sizeBytes: COPY_BYTES },
    guide: null,
    async: true,
    variants: {
      'naive:64 KiB at a time': copying('naive', COPY_BYTES, () => throughBuffer(64 << 10)),
      ours: copying('ours', COPY_BYTES, async () => (await import('@hotpath/io')).copy),
      'ours:with progress': copying('ours', COPY_BYTES, async () => {
        const { copy } = await import('@hotpath/io');
        return (from, to) => copy(from, to, { onProgress: () => {} });
      }),
      'node:fs.copyFile': copying('peer', COPY_BYTES, () => fs.promises.copyFile),
    },
  },
  {
    id: 'I3',
    case: '64 KiB',
    package: 'io',
    tier: 'guide',
    params: { sizeBytes: BYTE_COPY_BYTES },
    guide: null,
    async: true,
    variants: {
      naive: copying('naive', BYTE_COPY_BYTES, () => throughBuffer(1)),
      'naive:4 KiB at a time': copying('naive', BYTE_COPY_BYTES, () => throughBuffer(4096)),
      ours: copying('ours', BYTE_COPY_BYTES, async () => (await import('@hotpath/io')).copy),
    },
  },
];

export default cases;
