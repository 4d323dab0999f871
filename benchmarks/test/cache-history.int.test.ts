import { describe, expect, inject, test } from 'vitest';
import { check, type CheckOptions, type WorkerHistory } from '../dist/cache/history/check.js';
import { emptyRecords, nowMs } from '../dist/cache/history/protocol.js';
import { History, type HistoryOptions, type HistoryReport } from '../dist/cache/history/run.js';
import { stallMsOf, watchStalls } from '../dist/cache/history/stalls.js';

const { HOTPATH_HISTORY_SEED, HOTPATH_HISTORY_MS = '2000' } = process.env;
/** Reads that a quarter of an hour makes, and a run in CI does not wait for. */
const TIMEOUT_MS = 60_000 + 10 * Number(HOTPATH_HISTORY_MS);
/** On a machine that does other work a message takes longer than on one that is measured; the largest seen counts, if it is more. */
const BOUND_MS = 50;

function historyOf(worker: number, parts: Partial<WorkerHistory>): WorkerHistory {
  return { worker, startedAt: 0, faults: [], ...emptyRecords(), bus: [[0, true]], ...parts };
}

function brokenBy(histories: readonly WorkerHistory[], options?: CheckOptions): unknown[] {
  return check(histories, options).stale.map(({ rule, worker, saw, expected }) => [
    rule,
    worker,
    saw,
    expected,
  ]);
}

describe('the checker finds a read that saw less than', () => {
  test('was confirmed for all, or than its own process had invalidated', () => {
    const one = historyOf(1, {
      reads: [
        [9, 0, 1, 9],
        [11, 0, 1, 11],
        [21, 0, 2, 21],
      ],
      writes: [[20, 0, 3, 'own']],
    });
    const two = historyOf(2, { reads: [[21, 0, 2, 21]], writes: [[10, 0, 2, 'all']] });
    expect(brokenBy([one, two])).toEqual([
      ['confirmed', 1, 1, 2],
      ['own', 1, 2, 3],
    ]);
  });

  test('its process had heard of', () => {
    const deaf = historyOf(2, {
      reads: [
        [9, 0, 1, 9],
        [11, 0, 1, 11],
      ],
      heard: [[10, 0, 2]],
    });
    expect(brokenBy([deaf])).toEqual([['heard', 2, 1, 2]]);
  });

  test('was told so long before, undisturbed: not in a fault, a stall or a silence, nor right after', () => {
    const told = { writes: [[100, 0, 2, 'told']] } as const;
    const reads = [[104, 0, 1, 104] as const, [106, 0, 1, 106] as const, [206, 0, 1, 206] as const];
    const brokenIn = (parts: Partial<WorkerHistory>): number[] =>
      check(
        [historyOf(1, { reads: reads.map((read) => [...read]), ...parts }), historyOf(2, told as never)],
        {
          boundMs: 5,
        },
      ).stale.map(({ lateMs }) => lateMs);
    expect(brokenIn({})).toEqual([1, 101]);
    expect(brokenIn({ stalls: [[90, 103]] })).toEqual([78]);
    expect(brokenIn({ faults: [{ from: 102, to: 110, isCut: false }] })).toEqual([91]);
    expect(brokenIn({ faults: [{ from: 102, to: 110, isCut: true }] })).toEqual([]);
    expect(
      brokenIn({
        faults: [{ from: 102, to: 110, isCut: true }],
        bus: [
          [0, true],
          [111, false],
          [200, true],
        ],
      }),
    ).toEqual([1]);
  });

  test('was told, but not in a loop that was held for longer than the bound and had no turn to hear of it', async () => {
    const stalls: [number, number][] = [];
    const noted = new Promise<() => void>((resolve) => {
      const stop = watchStalls(stallMsOf(5), (from, to) => {
        stalls.push([from, to]);
        resolve(stop);
      });
    });
    const from = nowMs();
    while (nowMs() < from + 8);
    const writer = historyOf(2, { writes: [[from, 0, 2, 'told']] });
    const began = nowMs();
    // As if the message were never heard: one read before the loop has had a turn, one long after.
    const reads = [began, began + 1e6].map((at): [number, number, number, number] => [at, 0, 1, at]);
    (await noted)();
    expect(brokenBy([historyOf(1, { reads, stalls }), writer], { boundMs: 5 })).toEqual([['told', 1, 1, 2]]);
    expect(brokenBy([historyOf(1, { reads }), writer], { boundMs: 5 }).length).toBe(2);
  });

  test('was told, in a process that is cut off, for longer than the capped life', () => {
    const bus = [
      [0, true],
      [50, false],
    ] as const;
    const writer = historyOf(2, { writes: [[100, 0, 2, 'told']] });
    const cutOff = historyOf(1, {
      bus: [...bus],
      reads: [
        // The load that brought it had begun before it was overtaken, and ended after.
        [99, 0, 1, 110],
        [200, 0, 1, 200],
        [241, 0, 1, 241],
        [242, 0, 2, 242],
      ],
    });
    expect(brokenBy([cutOff, writer], { capMs: 100 })).toEqual([['capped', 1, 1, 2]]);
    expect(brokenBy([{ ...cutOff, stalls: [[120, 230]] }, writer], { capMs: 100 })).toEqual([]);
    expect(brokenBy([{ ...cutOff, bus: [[0, true]] }, writer], { capMs: 100 })).toEqual([]);
  });

  test('the bound that is taken is the largest seen, if that is asked for', () => {
    const writer = historyOf(2, { writes: [[100, 0, 2, 'told']] });
    const reader = historyOf(1, { heard: [[109, 0, 2]], reads: [[108, 0, 1, 108]] });
    expect(brokenBy([reader, writer], { boundMs: 5 })).toEqual([['told', 1, 1, 2]]);
    const { stale, boundMs, heardAfterMs } = check([reader, writer], { boundMs: 5, takesLargest: true });
    expect({ stale, boundMs, heardAfterMs }).toEqual({ stale: [], boundMs: 9, heardAfterMs: [9] });
  });
});

describe.skipIf(inject('redisUrl') === '')('three processes, whatever is cut, paused or killed', () => {
  async function run(
    options: Pick<HistoryOptions, 'mode'> & Partial<HistoryOptions>,
  ): Promise<HistoryReport> {
    const seed = HOTPATH_HISTORY_SEED === undefined ? Date.now() % 1_000_000 : Number(HOTPATH_HISTORY_SEED);
    const report = await new History({
      redisUrl: inject('redisUrl'),
      namespace: `history-${options.mode}-${seed}`,
      seed,
      readCountMin: 1000,
      durationMs: Number(HOTPATH_HISTORY_MS),
      boundMs: BOUND_MS,
      takesLargest: true,
      ...options,
    }).run();
    const { readCount, faultCounts, heardAfterMs, undisturbedCount, cutOffCount } = report;
    const largest = (heardAfterMs.at(-1) ?? 0).toFixed(1);
    console.log(
      `history: ${options.mode}, HOTPATH_HISTORY_SEED=${seed}, ${readCount} reads, ${undisturbedCount} undisturbed, ` +
        `${cutOffCount} cut off, heard after ${largest} ms at most, faults ${JSON.stringify(faultCounts)}`,
    );
    return report;
  }

  test.each(['ours', 'versioned'] as const)(
    '%s: no read begun after a confirmed invalidation sees what was before it',
    async (mode) => {
      const { stale, confirmedCount } = await run({ mode });
      expect(stale).toEqual([]);
      // A replica that lags leaves few in so short a run, and perhaps none.
      expect(confirmedCount).toBeGreaterThanOrEqual(mode === 'ours' ? 1 : 0);
    },
    TIMEOUT_MS,
  );

  test(
    'told: no read sees what an undisturbed process should have heard of, nor, cut off, what is older than the cap',
    async () => {
      const { stale, toldCount } = await run({ mode: 'told' });
      expect(stale).toEqual([]);
      expect(toldCount).toBeGreaterThan(0);
    },
    TIMEOUT_MS,
  );

  test(
    'a process that breaks fails the run',
    async () => {
      const broken = run({ mode: 'told', faults: [], broken: { throwAtRead: 100 } });
      await expect(broken).rejects.toThrow(/^worker \d ended with code 1$/);
    },
    TIMEOUT_MS,
  );

  test.each([
    ['told', 'messages are lost', { faults: [], broken: { dropOneIn: 10 } }],
    ['capped', 'memory is not capped', { faults: ['refused'], broken: { capMs: 60_000 } }],
  ] as const)(
    'the checker finds, by the rule %s, that %s',
    async (rule, _what, options) => {
      const { stale } = await run({ mode: 'told', ...options });
      expect(new Set(stale.map((read) => read.rule))).toEqual(new Set([rule]));
    },
    TIMEOUT_MS,
  );
});
