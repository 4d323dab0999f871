/**
 * I5: items through stages with backpressure. The cost of the stages, against async generators and streams; and what a
 * slow sink makes of memory, against collecting everything first.
 */

import { Readable } from 'node:stream';
import type { Case, Findings, Operation, Variant } from '../harness/case.ts';

const ITEMS = 100_000;

const square = (item: number): number => item * item;
const isOdd = (item: number): boolean => item % 2 === 1;
const addOne = (item: number): number => item + 1;

function* range(count: number): Generator<number> {
  for (let item = 0; item < count; item++) yield item;
}

function summing(run: () => Promise<number>): Operation {
  return { run, answer: run };
}

async function* mapGenerated<T, U>(items: AsyncIterable<T>, mapper: (item: T) => U): AsyncGenerator<U> {
  for await (const item of items) yield mapper(item);
}

async function* filterGenerated<T>(
  items: AsyncIterable<T>,
  isWanted: (item: T) => boolean,
): AsyncGenerator<T> {
  for await (const item of items) if (isWanted(item)) yield item;
}

async function* generated<T>(items: Iterable<T>): AsyncGenerator<T> {
  for (const item of items) yield item;
}

/** Records of 1000 bytes come as fast as they are asked for; the sink takes a thousand a turn of the event loop. */
const RECORDS = 100_000;
const RECORD_BYTES = 1000;
const SAMPLE_EVERY = 1000;

function* records(): Generator<Uint8Array> {
  for (let index = 0; index < RECORDS; index++) yield new Uint8Array(RECORD_BYTES).fill(index);
}

/** Memory over time while `consume` calls its `taken` for each record. */
function memoryOf(
  consume: (take: (record: Uint8Array) => Promise<void> | undefined) => Promise<void>,
): Variant['setup'] {
  return (): Operation => {
    const times: number[] = [];
    const megabytes: number[] = [];
    let sum = 0;
    let count = 0;
    const startBytes = process.memoryUsage().rss;
    const startMs = performance.now();
    const sample = (): void => {
      times.push(performance.now() - startMs);
      megabytes.push((process.memoryUsage().rss - startBytes) / 1e6);
    };
    const take = (record: Uint8Array): Promise<void> | undefined => {
      sum += record[0]!;
      if (++count % SAMPLE_EVERY !== 0) return undefined;
      sample();
      return new Promise((resolve) => setImmediate(resolve));
    };
    const run = async (): Promise<number> => {
      times.length = 0;
      megabytes.length = 0;
      sum = 0;
      count = 0;
      await consume(take);
      return sum;
    };
    return {
      run,
      answer: run,
      findings: (): Findings => ({
        measurements: [
          { metric: 'bytes', unit: 'peak MB over the start', value: Math.max(...megabytes), better: 'less' },
          {
            metric: 'bytes',
            unit: 'bytes/item at the peak',
            value: (Math.max(...megabytes) * 1e6) / RECORDS,
            better: 'less',
          },
        ],
        curves: [{ name: 'memory (MB) over time (ms) / ', x: times, y: megabytes }],
      }),
    };
  };
}

const cases: readonly Case[] = [
  {
    id: 'I5',
    case: 'three stages, 100K items',
    package: 'io',
    tier: 'peers',
    params: { items: ITEMS, stages: 3 },
    guide: null,
    async: true,
    variants: {
      'naive:async generators': {
        kind: 'naive',
        setup: () =>
          summing(async () => {
            let sum = 0;
            const squares = mapGenerated(generated(range(ITEMS)), square);
            for await (const item of mapGenerated(filterGenerated(squares, isOdd), addOne)) sum += item;
            return sum;
          }),
      },
      ours: {
        kind: 'ours',
        async setup() {
          const { pipeline } = await import('@hotpath/io');
          return summing(async () => {
            let sum = 0;
            await pipeline(range(ITEMS))
              .map(square)
              .filter(isOdd)
              .map(addOne)
              .to((item) => void (sum += item));
            return sum;
          });
        },
      },
      'node:stream.Readable': {
        kind: 'peer',
        setup: () =>
          summing(async () => {
            let sum = 0;
            const squares: Readable = Readable.from(range(ITEMS)).map(square);
            const results: Readable = squares.filter(isOdd).map(addOne);
            for await (const item of results) sum += item as number;
            return sum;
          }),
      },
      'floor:a loop': {
        kind: 'floor',
        setup: () =>
          summing(async () => {
            let sum = 0;
            for (const item of range(ITEMS)) {
              const squared = square(item);
              if (isOdd(squared)) sum += addOne(squared);
            }
            return sum;
          }),
      },
    },
  },
  {
    id: 'I5',
    case: '100K records into a slow sink',
    package: 'io',
    tier: 'guide',
    params: { records: RECORDS, recordBytes: RECORD_BYTES, batchSize: 64 },
    guide: null,
    claim: 3,
    async: true,
    experiment: true,
    variants: {
      naive: {
        kind: 'naive',
        setup: memoryOf(async (take) => {
          const all = Array.from(records());
          for (const record of all) await take(record);
        }),
      },
      ours: {
        kind: 'ours',
        setup: memoryOf(async (take) => {
          const { pipeline } = await import('@hotpath/io');
          await pipeline(records()).to(take);
        }),
      },
    },
  },
];

export default cases;
