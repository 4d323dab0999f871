/**
 * I2: many small lines into a file. Every variant has the file open before the clock starts, builds each line when it
 * writes it, waits when its sink is full, and is done when write(2) has taken the last byte; nobody fsyncs.
 */

import fs from 'node:fs';
import type { Case, Variant, VariantKind } from '../harness/case.ts';
import { measureLines, type LineSink, type OpenLineSink } from './line-sink.ts';

/** In a quick run a million lines are a twentieth of that. */
const QUICK_LINES = 50_000;

function variant(kind: VariantKind, count: number, load: () => Promise<OpenLineSink>): Variant {
  return {
    kind,
    async setup(context) {
      const lines = context.quick ? Math.min(count, QUICK_LINES) : count;
      return measureLines(context, lines, await load());
    },
  };
}

async function openAwaitedWrites(path: string): Promise<LineSink> {
  const handle = await fs.promises.open(path, 'a');
  return {
    async write(count, line) {
      for (let index = 0; index < count; index++) await handle.write(line(index));
    },
    close: () => handle.close(),
  };
}

function joined(count: number, line: (index: number) => string): string {
  const lines: string[] = [];
  for (let index = 0; index < count; index++) lines.push(line(index));
  return lines.join('');
}

async function openJoinedWrite(path: string): Promise<LineSink> {
  const handle = await fs.promises.open(path, 'a');
  return {
    async write(count, line) {
      await handle.writeFile(joined(count, line));
    },
    close: () => handle.close(),
  };
}

function openJoinedSync(path: string): LineSink {
  const descriptor = fs.openSync(path, 'a');
  return {
    write(count, line) {
      const bytes = Buffer.from(joined(count, line));
      for (let offset = 0; offset < bytes.length;) offset += fs.writeSync(descriptor, bytes, offset);
    },
    close: () => fs.closeSync(descriptor),
  };
}

function ours(mode: 'async' | 'sync') {
  return async (): Promise<OpenLineSink> => {
    const { createWriter } = await import('@hotpath/io');
    return (path) => {
      const writer = createWriter(path, { mode });
      return {
        async write(count, line) {
          for (let index = 0; index < count; index++) {
            if (!writer.write(line(index))) await writer.ready();
          }
          await writer.flush();
        },
        close: () => writer.close(),
      };
    };
  };
}

/** What all sizes compare. */
function variants(count: number): Record<string, Variant> {
  return {
    'naive:one joined write': variant('naive', count, async () => openJoinedWrite),
    ours: variant('ours', count, ours('async')),
    'ours:sync': variant('ours', count, ours('sync')),
    'sonic-boom': variant('peer', count, async () => (await import('./peers/sonic-boom.ts')).openSonicBoom),
    'node:fs.createWriteStream': variant(
      'peer',
      count,
      async () => (await import('./peers/write-stream.ts')).openWriteStream,
    ),
    'node:fs.Utf8Stream': {
      ...variant('peer', count, async () => (await import('./peers/utf8-stream.ts')).openUtf8Stream),
      skip: () =>
        'Utf8Stream' in fs ? undefined : `Utf8Stream is in Node 24 and later, this is ${process.version}`,
    },
    'floor:writeSync joined': variant('floor', count, async () => openJoinedSync),
  };
}

const cases: readonly Case[] = [
  {
    id: 'I2',
    case: '1000 lines',
    package: 'io',
    tier: 'guide',
    params: { lines: 1000, lineBytes: 107, fsync: false },
    guide: { text: '2000 ms → 50 ms (40×)', ratio: 40, basis: 'ratio' },
    async: true,
    variants: { naive: variant('naive', 1000, async () => openAwaitedWrites), ...variants(1000) },
  },
  {
    id: 'I2',
    case: '1e6 lines',
    package: 'io',
    tier: 'peers',
    params: { lines: 1_000_000, lineBytes: 107, fsync: false },
    quickParams: { lines: QUICK_LINES },
    guide: null,
    async: true,
    variants: variants(1_000_000),
  },
];

export default cases;
