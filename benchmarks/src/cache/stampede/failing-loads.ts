import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { FromReader, ReaderPlan, ToReader } from './protocol.ts';

const PROCESS = fileURLToPath(new URL('reader-process.js', import.meta.url));

/** What the processes did in one round. */
export interface FailingRound {
  /** Of the loader, in all of them. */
  readonly callCount: number;
  /** Reads that got the loader's error. */
  readonly errorCount: number;
  /** From the moment the loader first threw until the last read was answered, in ms. */
  readonly lateMs: number;
}

/** A round under way. */
interface Round {
  readonly waiting: Promise<void>;
  readonly answered: Promise<void>;
  readonly onMessage: (message: FromReader) => void;
  readonly result: () => FailingRound;
}

/** Processes with a cache each, over one Redis and a loader that throws. */
export class FailingLoads {
  readonly #children: readonly ChildProcess[];
  #round: Round | undefined;
  #roundCount = 0;

  private constructor(children: readonly ChildProcess[]) {
    this.#children = children;
    for (const child of children) {
      child.on('message', (message: FromReader) => this.#round?.onMessage(message));
    }
  }

  static async open(options: ReaderPlan & { readonly processCount: number }): Promise<FailingLoads> {
    const { processCount, redisUrl, uniqueName, way } = options;
    const plan: ReaderPlan = { redisUrl, uniqueName, way };
    const children = Array.from({ length: processCount }, () =>
      fork(PROCESS, [JSON.stringify(plan)], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] }),
    );
    try {
      await Promise.all(children.map(ready));
    } catch (error) {
      for (const child of children) child.kill('SIGKILL');
      throw error;
    }
    return new FailingLoads(children);
  }

  /** Each process asks for a new key `missCount` times; the load throws `loadMs` after all of them wait for it. */
  async round(missCount: number, loadMs: number): Promise<FailingRound> {
    const key = `key${this.#roundCount++}`;
    const round = roundOf(key, this.#children.length);
    this.#round = round;
    this.#tell({ kind: 'read', key, missCount });
    await round.waiting;
    this.#tell({ kind: 'throw', key, loadMs });
    await round.answered;
    return round.result();
  }

  async close(): Promise<void> {
    this.#tell({ kind: 'stop' });
    await Promise.all(
      this.#children.map(async (child) => {
        if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      }),
    );
  }

  #tell(message: ToReader): void {
    for (const child of this.#children) child.send(message);
  }
}

async function ready(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit').then(() => {
    throw new Error('a reader ended before it was ready');
  });
  await Promise.race([once(child, 'message'), ended]);
  ended.catch(() => {});
}

function roundOf(key: string, processCount: number): Round {
  const [waiting, onWaiting] = countdown(processCount);
  const [answered, onAnswered] = countdown(processCount);
  let callCount = 0;
  let errorCount = 0;
  let thrownAt = Infinity;
  let lastAt = 0;
  return {
    waiting,
    answered,
    onMessage(message) {
      if (message.kind === 'ready' || message.key !== key) return;
      switch (message.kind) {
        case 'waiting':
          onWaiting();
          break;
        case 'thrown':
          callCount++;
          thrownAt = Math.min(thrownAt, message.at);
          break;
        case 'answered':
          errorCount += message.errorCount;
          lastAt = Math.max(lastAt, message.lastAt);
          onAnswered();
      }
    },
    result: () => ({ callCount, errorCount, lateMs: lastAt - thrownAt }),
  };
}

function countdown(count: number): readonly [promise: Promise<void>, step: () => void] {
  let left = count;
  let resolve!: () => void;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return [
    promise,
    () => {
      if (--left === 0) resolve();
    },
  ];
}
