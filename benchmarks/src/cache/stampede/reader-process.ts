/** One process that reads through its cache to a loader that throws. */

import { setTimeout as sleep } from 'node:timers/promises';
import { nowMs } from '../history/protocol.ts';
import { type FromReader, MESSAGE, type ReaderPlan, type ToReader } from './protocol.ts';
import { type Reader, WAYS } from './readers.ts';

/** A key whose load waits to be told to throw. */
interface Gate {
  readonly promise: Promise<number>;
  readonly open: (loadMs: number) => void;
  isLoading: boolean;
}

const gates = new Map<string, Gate>();

function gateOf(key: string): Gate {
  let gate = gates.get(key);
  if (gate === undefined) {
    let open!: (loadMs: number) => void;
    const promise = new Promise<number>((resolve) => {
      open = resolve;
    });
    gates.set(key, (gate = { promise, open, isLoading: false }));
  }
  return gate;
}

function send(message: FromReader): void {
  if (process.connected) process.send!(message);
}

async function load(key: string): Promise<never> {
  const gate = gateOf(key);
  gate.isLoading = true;
  await sleep(await gate.promise);
  send({ kind: 'thrown', key, at: nowMs() });
  throw new Error(MESSAGE);
}

/** Itself, as a cause, or by its message. */
function isOfLoader(error: unknown): boolean {
  return error instanceof Error && (error.message.includes(MESSAGE) || isOfLoader(error.cause));
}

async function read(reader: Reader, key: string, missCount: number): Promise<void> {
  const waitCount = reader.waitCount?.() ?? -1;
  let lastAt = 0;
  let errorCount = 0;
  const reads = Array.from({ length: missCount }, async () => {
    try {
      await reader.get(key);
    } catch (error) {
      if (isOfLoader(error)) errorCount++;
    }
    lastAt = nowMs();
  });
  while (!gateOf(key).isLoading && (reader.waitCount?.() ?? 0) === waitCount) await sleep(1);
  send({ kind: 'waiting', key });
  await Promise.all(reads);
  send({ kind: 'answered', key, lastAt, errorCount });
}

async function main({ way, ...place }: ReaderPlan): Promise<void> {
  const reader = await WAYS[way](place, load);
  process.on('message', (message: ToReader) => {
    switch (message.kind) {
      case 'read':
        void read(reader, message.key, message.missCount);
        break;
      case 'throw':
        gateOf(message.key).open(message.loadMs);
        break;
      case 'stop':
        void reader.close().then(() => {
          process.exit();
        });
    }
  });
  // Who started us may be killed outright.
  process.on('disconnect', () => process.exit(0));
  send({ kind: 'ready' });
}

await main(JSON.parse(process.argv[2]!) as ReaderPlan);
