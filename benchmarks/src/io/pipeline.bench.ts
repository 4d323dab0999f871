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

/**
 * Records come as fast as they are asked for; the sink takes a thousand a turn of the event loop. What is held is
 * counted, made and not yet taken, for resident memory contains what the collector has not got round to.
 */
const RECORDS = 1_000_000;
const QUICK_RECORDS = RECORDS / 10;
const RECORD_BYTES = 200;
const BATCH_SIZE = 64;
const BOUND_BYTES = BATCH_SIZE * RECORD_BYTES;
const SAMPLE_EVERY = 1000;

type Consume = (
  records: Iterable<Uint8Array>,
  take: (record: Uint8Array) => Promise<void> | undefined,
) => Promise<void>;

/** What a run holds, over time. */
class Held {
  readonly #startBytes = process.memoryUsage().rss;
  readonly #startMs = performance.now();
  readonly times: number[] = [];
  readonly megabytes: number[] = [];
  sum = 0;
  madeCount = 0;
  takenCount = 0;
  peakCount = 0;

  *records(count: number): Generator<Uint8Array> {
    while (this.madeCount < count) {
      const record = new Uint8Array(RECORD_BYTES).fill(this.madeCount++);
      this.peakCount = Math.max(this.peakCount, this.madeCount - this.takenCount);
      yield record;
    }
  }

  take(record: Uint8Array): Promise<void> | undefined {
    this.sum += record[0]!;
    if (++this.takenCount % SAMPLE_EVERY !== 0) return undefined;
    this.times.push(performance.now() - this.#startMs);
    this.megabytes.push((process.memoryUsage().rss - this.#startBytes) / 1e6);
    return new Promise((resolve) => setImmediate(resolve));
  }
}

function holding(consume: Consume): Variant['setup'] {
  return ({ quick }): Operation => {
    let held = new Held();
    const run = async (): Promise<number> => {
      held = new Held();
      await consume(held.records(quick ? QUICK_RECORDS : RECORDS), (record) => held.take(record));
      return held.sum;
    };
    return {
      run,
      answer: run,
      findings(): Findings {
        const { megabytes, times, takenCount, peakCount } = held;
        const peak = Math.max(...megabytes);
        const heldBytes = peakCount * RECORD_BYTES;
        return {
          measurements: [
            { metric: 'bytes', unit: 'bytes held at the peak', value: heldBytes, better: 'less' },
            {
              metric: 'rate',
              unit: `of the declared ${BOUND_BYTES} bytes`,
              value: heldBytes / BOUND_BYTES,
              better: 'less',
            },
            { metric: 'bytes', unit: 'peak MB resident over the start', value: peak, better: 'less' },
            {
              metric: 'bytes',
              unit: 'bytes/item resident at the peak',
              value: (peak * 1e6) / takenCount,
              better: 'less',
            },
          ],
          curves: [{ name: 'memory (MB) over time (ms)', x: times, y: megabytes }],
        };
      },
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
    case: 'a million items into a slow sink',
    package: 'io',
    tier: 'guide',
    params: { records: RECORDS, recordBytes: RECORD_BYTES, batchSize: BATCH_SIZE },
    quickParams: { records: QUICK_RECORDS },
    guide: null,
    claim: 3,
    async: true,
    experiment: true,
    variants: {
      'naive:collect everything': {
        kind: 'naive',
        setup: holding(async (records, take) => {
          for (const record of Array.from(records)) await take(record);
        }),
      },
      ours: {
        kind: 'ours',
        setup: holding(async (records, take) => {
          const { pipeline } = await import('@hotpath/io');
          await pipeline(records, { batchSize: BATCH_SIZE }).to(take);
        }),
      },
    },
  },
];

export default cases;
