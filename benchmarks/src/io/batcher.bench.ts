/**
 * I4: many items handed to a sink in batches. The sink is a file: one awaited write a call, whatever the number of
 * items. Beside it the cost of the batching itself, with a handler that answers at once.
 */

import fs from 'node:fs';
import type { Case, CaseContext, Findings, Operation, Variant } from '../harness/case.ts';
import { measureLines } from './line-sink.ts';

const LINES = 10_000;
const MAX_ITEMS = 100;
const ITEMS = 10_000;

type WriteBatch = (lines: readonly string[]) => Promise<void>;
type WriteAll = (write: WriteBatch, count: number, line: (index: number) => string) => Promise<void>;

/** A variant is a way to bring lines to the same `writeBatch`. */
async function intoFile(context: CaseContext, writeAll: WriteAll): Promise<Operation> {
  return measureLines(context, LINES, async (path) => {
    const handle = await fs.promises.open(path, 'a');
    const writeBatch: WriteBatch = async (lines) => {
      await handle.write(lines.join(''));
    };
    return {
      write: (count, line) => writeAll(writeBatch, count, line),
      close: () => handle.close(),
    };
  });
}

const oneByOne: WriteAll = async (write, count, line) => {
  for (let index = 0; index < count; index++) await write([line(index)]);
};

const slices: WriteAll = async (write, count, line) => {
  for (let start = 0; start < count; start += MAX_ITEMS) {
    const lines: string[] = [];
    for (let index = start; index < start + MAX_ITEMS; index++) lines.push(line(index));
    await write(lines);
  }
};

async function oursIntoFile(context: CaseContext): Promise<Operation> {
  const { createBatcher } = await import('@hotpath/io');
  return intoFile(context, async (write, count, line) => {
    const batcher = createBatcher(write, { maxItems: MAX_ITEMS });
    for (let index = 0; index < count; index++) if (!batcher.push(line(index))) await batcher.ready();
    await batcher.close();
  });
}

interface Adder {
  add(item: number): Promise<number>;
}

/** No batching at all: one call for everything, and the promises that the items get before it and that are resolved after it. */
function promisesSettledLater(): Operation {
  const run = async (): Promise<number> => {
    const items: number[] = [];
    const resolvers: ((result: number) => void)[] = [];
    const promises: Promise<number>[] = [];
    for (let item = 0; item < ITEMS; item++) {
      items.push(item);
      promises.push(new Promise((resolve) => resolvers.push(resolve)));
    }
    const results = await double(items);
    for (let item = 0; item < ITEMS; item++) resolvers[item]!(results[item]!);
    let sum = 0;
    for (const result of await Promise.all(promises)) sum += result;
    return sum;
  };
  return { run, answer: run };
}

function adding(create: () => Promise<Adder> | Adder): Variant['setup'] {
  return async () => {
    const adder = await create();
    const run = async (): Promise<number> => {
      const results: Promise<number>[] = [];
      for (let item = 0; item < ITEMS; item++) results.push(adder.add(item));
      let sum = 0;
      for (const result of await Promise.all(results)) sum += result;
      return sum;
    };
    return { run, answer: run };
  };
}

const double = async (items: readonly number[]): Promise<number[]> => items.map((item) => item * 2);
/** Room for all items and all batches at once: what is measured is the batching. */
const AMPLE = { maxItems: MAX_ITEMS, maxQueued: 4 * ITEMS, concurrency: ITEMS / MAX_ITEMS };

async function oursPushing(): Promise<Operation> {
  const { createBatcher } = await import('@hotpath/io');
  let sum = 0;
  const batcher = createBatcher(async (items: readonly number[]) => {
    for (const result of await double(items)) sum += result;
  }, AMPLE);
  const run = async (): Promise<number> => {
    sum = 0;
    for (let item = 0; item < ITEMS; item++) batcher.push(item);
    await batcher.flush();
    return sum;
  };
  return { run, answer: run };
}

/** Claim 2: each size of batches brings this many lines to the file, all of them waiting from the start. */
const CURVE_LINES = 4096;
const BATCH_SIZES = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096];
/** The knee: the smallest batches that reach this much of the best throughput. More only makes the first items wait. */
const NEARLY_BEST = 0.9;

interface BatchSizePoint {
  readonly size: number;
  readonly linesPerSecond: number;
  /** From the start until a line is written, on average. */
  readonly meanLatencyMs: number;
}

type WriteInBatches = (write: WriteBatch, lines: readonly string[], size: number) => Promise<number>;

const oursInBatches = async (): Promise<WriteInBatches> => {
  const { createBatcher } = await import('@hotpath/io');
  return async (write, lines, size) => {
    const batcher = createBatcher(write, { maxItems: size, maxQueued: 2 * CURVE_LINES });
    const start = performance.now();
    let latencyMs = 0;
    const settled = lines.map((line) =>
      batcher.add(line).then(() => void (latencyMs += performance.now() - start)),
    );
    await Promise.all(settled);
    return latencyMs / lines.length;
  };
};

const oneByOneWhatever = async (): Promise<WriteInBatches> => async (write, lines) => {
  const start = performance.now();
  let latencyMs = 0;
  for (const line of lines) {
    await write([line]);
    latencyMs += performance.now() - start;
  }
  return latencyMs / lines.length;
};

function kneeOf(points: readonly BatchSizePoint[]): BatchSizePoint {
  const best = Math.max(...points.map(({ linesPerSecond }) => linesPerSecond));
  return points.find(({ linesPerSecond }) => linesPerSecond >= NEARLY_BEST * best)!;
}

function overBatchSizes(kind: Variant['kind'], load: () => Promise<WriteInBatches>): Variant {
  return {
    kind,
    async setup({ scratch, seed, quick }): Promise<Operation> {
      const [writeInBatches, { logLine }] = await Promise.all([load(), import('../workloads/log-lines.ts')]);
      const lines = Array.from({ length: CURVE_LINES }, (_, index) => logLine(seed, index));
      const handle = await fs.promises.open(`${scratch}/lines.log`, 'a');
      const write: WriteBatch = async (batch) => void (await handle.write(batch.join('')));
      const sizes = quick ? BATCH_SIZES.filter((_, index) => index % 2 === 0) : BATCH_SIZES;
      let points: BatchSizePoint[] = [];
      const run = async (): Promise<number> => {
        points = [];
        for (const size of sizes) {
          let best: BatchSizePoint | undefined;
          // The best of a few: what disturbs a run only makes it slower.
          for (let round = 0; round < (quick ? 1 : 10); round++) {
            await handle.truncate();
            const start = performance.now();
            const meanLatencyMs = await writeInBatches(write, lines, size);
            const linesPerSecond = (CURVE_LINES / (performance.now() - start)) * 1e3;
            if (best === undefined || linesPerSecond > best.linesPerSecond) {
              best = { size, linesPerSecond, meanLatencyMs };
            }
          }
          points.push(best!);
        }
        return (await handle.stat()).size;
      };
      return {
        run,
        answer: run,
        findings(): Findings {
          const knee = kneeOf(points);
          const x = points.map(({ size }) => size);
          const throughput = points.map(({ linesPerSecond }) => linesPerSecond);
          return {
            measurements: [
              { metric: 'rate', unit: 'lines/s at best', value: Math.max(...throughput), better: 'more' },
              ...(kind === 'ours'
                ? [
                    {
                      metric: 'count',
                      unit: 'lines a batch at the knee',
                      value: knee.size,
                      better: 'less',
                    } as const,
                  ]
                : []),
              {
                metric: 'time',
                unit: 'ns mean latency at the knee',
                value: knee.meanLatencyMs * 1e6,
                better: 'less',
              },
            ],
            curves: [
              { name: 'lines/s over lines a batch', x, y: throughput },
              {
                name: 'mean latency (ms) over lines a batch',
                x,
                y: points.map(({ meanLatencyMs }) => meanLatencyMs),
              },
              ...(kind === 'ours'
                ? [
                    {
                      name: 'lines/s over lines a batch / knee',
                      x: [knee.size, knee.size],
                      y: [0, knee.linesPerSecond],
                    },
                  ]
                : []),
            ],
          };
        },
        close: () => handle.close(),
      };
    },
  };
}

const cases: readonly Case[] = [
  {
    id: 'I4',
    case: '10K items into a file',
    package: 'io',
    tier: 'guide',
    params: { items: LINES, itemBytes: 107, maxItems: MAX_ITEMS },
    guide: null,
    async: true,
    variants: {
      naive: { kind: 'naive', setup: (context) => intoFile(context, oneByOne) },
      ours: { kind: 'ours', setup: oursIntoFile },
      'floor:slices of 100': { kind: 'floor', setup: (context) => intoFile(context, slices) },
    },
  },
  {
    id: 'I4',
    case: 'cost of 10K adds',
    package: 'io',
    tier: 'peers',
    params: { items: ITEMS, maxItems: MAX_ITEMS },
    guide: null,
    async: true,
    variants: {
      'naive:a call an item': {
        kind: 'naive',
        setup: adding(() => ({ add: async (item) => (await double([item]))[0]! })),
      },
      ours: {
        kind: 'ours',
        setup: adding(async () => {
          const { createBatcher } = await import('@hotpath/io');
          return createBatcher<number, number>(double, AMPLE);
        }),
      },
      'ours:push': { kind: 'ours', setup: oursPushing },
      'floor:a promise an item': {
        kind: 'floor',
        setup: adding(() => ({ add: (item) => Promise.resolve(item * 2) })),
      },
      'floor:a promise settled later': { kind: 'floor', setup: promisesSettledLater },
      dataloader: {
        kind: 'peer',
        setup: adding(async () => (await import('./peers/dataloader.ts')).createLoader(MAX_ITEMS, double)),
      },
    },
  },
  {
    id: 'I4',
    case: 'batch size',
    package: 'io',
    tier: 'guide',
    params: { items: CURVE_LINES, itemBytes: 107 },
    quickParams: { bestOf: 1 },
    guide: null,
    claim: 2,
    async: true,
    experiment: true,
    variants: {
      'naive:one by one': overBatchSizes('naive', oneByOneWhatever),
      ours: overBatchSizes('ours', oursInBatches),
    },
  },
];

export default cases;
