/** One process of a history: reads and writes at random until it is told to stop, and reports all that it saw. */

import { setTimeout as sleep } from 'node:timers/promises';
import { createRandom } from '../../workloads/random.ts';
import {
  emptyRecords,
  type FromWorker,
  nowMs,
  type Records,
  type ToWorker,
  type WorkerPlan,
} from './protocol.ts';
import { type Ask, openNaive, openOurs } from './rows.ts';
import { watchStalls } from './stalls.ts';

const REPORT_MS = 50;
const READ_PAUSE_MS = 1;

async function main(plan: WorkerPlan): Promise<void> {
  const next = createRandom(plan.seed);
  const send = (message: FromWorker): void => {
    // An error is heard of as a disconnection.
    if (process.connected) process.send!(message, undefined, undefined, () => {});
  };
  const answers = new Map<number, (version: number) => void>();
  let callCount = 0;
  const state = { isStopped: false };
  process.on('message', (message: ToWorker) => {
    if (message.kind === 'stop') {
      state.isStopped = true;
      return;
    }
    answers.get(message.call)?.(message.version);
    answers.delete(message.call);
  });
  // Who started us may be killed outright.
  process.on('disconnect', () => process.exit(0));
  const ask: Ask = (kind, key) =>
    new Promise((resolve) => {
      const call = callCount++;
      answers.set(call, resolve);
      send({ kind, call, key });
    });

  let records: Records = emptyRecords();
  const report = (): void => {
    send({ kind: 'records', records });
    records = emptyRecords();
  };
  const stopWatching = watchStalls(plan.stallMs, (from, to) => {
    records.stalls.push([from, to]);
  });
  const rows = await (plan.mode === 'naive' ? openNaive : openOurs)(plan, ask, () => records);
  send({ kind: 'ready' });
  const reporting = setInterval(report, REPORT_MS);

  let readCount = 0;
  const keyNow = (): number => Math.floor(next() * plan.keyCount);
  const reader = async (): Promise<void> => {
    while (!state.isStopped) {
      if (++readCount === plan.throwAtRead) throw new Error('this process was to break here');
      const key = keyNow();
      const beganAt = nowMs();
      const version = await rows.read(key);
      records.reads.push([beganAt, key, version, nowMs()]);
      if (next() < 0.5) await sleep(READ_PAUSE_MS);
    }
  };
  const writer = async (): Promise<void> => {
    while (!state.isStopped) {
      await sleep(next() * 2 * plan.writeEveryMs);
      const key = keyNow();
      const version = await ask('write', key);
      const reach = await rows.invalidate(key, version);
      records.writes.push([nowMs(), key, version, reach]);
    }
  };
  await Promise.all([writer(), ...Array.from({ length: plan.readerCount }, reader)]);
  clearInterval(reporting);
  stopWatching();
  await rows.close();
  report();
  process.disconnect();
}

await main(JSON.parse(process.argv[2]!) as WorkerPlan);
