/**
 * I2: how long a producer is held up by a full buffer, and how long a flush takes while others go on writing. Nobody
 * fsyncs. The time of the whole says little here, so only the waits are kept.
 */

import { once } from 'node:events';
import type { Case, CaseContext, Findings, Operation, Variant, VariantKind } from '../harness/case.ts';

const LINES = 1_000_000;
const QUICK_LINES = LINES / 10;
/** Lines between two flushes, and between two turns of the event loop. */
const FLUSH_EVERY = 5000;

/** A writer as these cases need it. */
interface Stream {
  /** False when the buffer is full. */
  write(line: string): boolean;
  /** Resolves when there is room again. */
  room(): Promise<unknown>;
  /** Resolves when what was written before is with the system, or undefined when there is no such thing. */
  flush: (() => Promise<unknown>) | undefined;
  close(): Promise<unknown>;
}

type OpenStream = (path: string) => Promise<Stream> | Stream;

async function ours(): Promise<OpenStream> {
  const { createWriter } = await import('@hotpath/io');
  return (path) => {
    const writer = createWriter(path);
    return {
      write: (line) => writer.write(line),
      room: () => writer.ready(),
      flush: () => writer.flush(),
      close: () => writer.close(),
    };
  };
}

async function writeStream(): Promise<OpenStream> {
  const { createWriteStream } = await import('node:fs');
  return (path) => {
    const stream = createWriteStream(path);
    return {
      write: (line) => stream.write(line),
      room: () => once(stream, 'drain'),
      // The callback of a write comes when everything up to it is written.
      flush: () => new Promise((resolve) => stream.write('', resolve)),
      close: () => new Promise((resolve) => stream.end(resolve)),
    };
  };
}

async function sonicBoom(): Promise<OpenStream> {
  const { default: module } = await import('sonic-boom');
  return async (path) => {
    const boom = new module.SonicBoom({ dest: path, sync: false });
    await once(boom, 'ready');
    return {
      write: (line) => boom.write(line),
      room: () => once(boom, 'drain'),
      // It fsyncs too, which is more than is asked for here.
      flush: undefined,
      close: async () => {
        boom.end();
        await once(boom, 'close');
      },
    };
  };
}

type Watch = (stream: Stream, count: number, line: (index: number) => string) => Promise<readonly number[]>;

/** Writes as fast as it may, and keeps how long each `false` held it up. */
const stalls: Watch = async (stream, count, line) => {
  const waits: number[] = [];
  for (let index = 0; index < count; index++) {
    if (stream.write(line(index))) continue;
    const start = performance.now();
    await stream.room();
    waits.push(performance.now() - start);
  }
  return waits;
};

/** Writes without a pause but for the event loop's turns, flushes now and then, and waits for no flush. */
const flushes: Watch = async (stream, count, line) => {
  const waits: number[] = [];
  const ends: Promise<unknown>[] = [];
  for (let index = 0; index < count; index++) {
    const hasRoom = stream.write(line(index));
    if (index % FLUSH_EVERY === 0) {
      const start = performance.now();
      ends.push(stream.flush!().then(() => waits.push(performance.now() - start)));
    }
    if (!hasRoom) await stream.room();
    else if (index % 100 === 0) await new Promise(setImmediate);
  }
  await Promise.all(ends);
  return waits;
};

function waiting(kind: VariantKind, watch: Watch, load: () => Promise<OpenStream>): Variant {
  return {
    kind,
    async setup({ scratch, seed, quick }: CaseContext): Promise<Operation> {
      const [open, { logLine }, { statSync }] = await Promise.all([
        load(),
        import('../workloads/log-lines.ts'),
        import('node:fs'),
      ]);
      const path = `${scratch}/lines.log`;
      const count = quick ? QUICK_LINES : LINES;
      let waits: number[] = [];
      const run = async (): Promise<number> => {
        const stream = await open(path);
        waits = [...(await watch(stream, count, (index) => logLine(seed, index)))];
        await stream.close();
        return statSync(path).size;
      };
      return {
        run,
        answer: run,
        findings: (): Findings => {
          waits.sort((a, b) => a - b);
          const at = (share: number): number => (waits[Math.floor(waits.length * share)] ?? 0) * 1e6;
          const all = waits.reduce((sum, wait) => sum + wait, 0) * 1e6;
          return {
            measurements: [
              ...(watch === stalls
                ? [{ metric: 'time', unit: 'ns held up in all', value: all, better: 'less' } as const]
                : []),
              { metric: 'time', unit: 'ns p99 of the waits', value: at(0.99), better: 'less' },
              { metric: 'time', unit: 'ns p50 of the waits', value: at(0.5), better: 'less' },
            ],
          };
        },
      };
    },
  };
}

function waitingCase(name: string, variants: Case['variants']): Case {
  return {
    id: 'I2',
    case: name,
    package: 'io',
    tier: 'peers',
    params: { lines: LINES, lineBytes: 107, fsync: false },
    quickParams: { lines: QUICK_LINES },
    guide: null,
    async: true,
    experiment: true,
    variants,
  };
}

const cases: readonly Case[] = [
  waitingCase('stalls of a producer', {
    ours: waiting('ours', stalls, ours),
    'node:fs.createWriteStream': waiting('peer', stalls, writeStream),
    'sonic-boom': waiting('peer', stalls, sonicBoom),
  }),
  waitingCase('flush under load', {
    ours: waiting('ours', flushes, ours),
    'node:fs.createWriteStream': waiting('peer', flushes, writeStream),
  }),
];

export default cases;
