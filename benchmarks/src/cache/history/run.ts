import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type FaultProxy, startProxy } from '../../services/index.ts';
import { createRandom } from '../../workloads/random.ts';
import { check, type CheckOptions, type CheckReport, type WorkerHistory } from './check.ts';
import { FAULT_KINDS, type FaultKind, FAULTS, pick } from './faults.ts';
import {
  emptyRecords,
  type FromWorker,
  type HistoryMode,
  nowMs,
  type ToWorker,
  type WorkerPlan,
} from './protocol.ts';
import { stallMsOf, watchStalls } from './stalls.ts';

const WORKER = fileURLToPath(new URL('worker.js', import.meta.url));
const WORKERS = 3;
const LOAD_MS_MAX = 8;
/** How far the replica that `versioned` loads from is behind. */
const REPLICA_LAG_MS = 50;
/** Less than most of what connections are refused for. */
const CAP_MS = 100;

/** A history to be made. */
export interface HistoryOptions extends Pick<CheckOptions, 'boundMs' | 'takesLargest'> {
  readonly redisUrl: string;
  readonly namespace: string;
  /** Of the operations and the faults. What meets what is up to the machine: a seed is likely, not sure, to show a fault again. */
  readonly seed: number;
  readonly mode: HistoryMode;
  /** It ends when there are so many reads and so much time has passed. */
  readonly readCountMin: number;
  readonly durationMs: number;
  readonly keyCount?: number;
  readonly writeEveryMs?: number;
  /** All by default. */
  readonly faults?: readonly FaultKind[];
  /**
   * Breaks the cache, to see the check fail: messages are lost, or memory is capped later than is checked. Or the processes:
   * each throws at its read of that number.
   */
  readonly broken?: { readonly dropOneIn?: number; readonly capMs?: number; readonly throwAtRead?: number };
}

/** What came of it. */
export interface HistoryReport extends CheckReport {
  readonly readCount: number;
  readonly writeCount: number;
  /** Invalidations that were confirmed for all processes, and those that said `done` without. */
  readonly confirmedCount: number;
  readonly toldCount: number;
  readonly faultCounts: Readonly<Record<string, number>>;
}

/** A process and the proxy between it and Redis. */
interface Worker {
  child: ChildProcess;
  history: WorkerHistory & { faults: { from: number; to: number; isCut: boolean }[] };
  readonly proxy: FaultProxy;
  readonly index: number;
  generation: number;
}

/** Lets three processes read and write through their caches, injects faults, and checks every read. */
export class History {
  readonly #options: HistoryOptions;
  /** What is done to whom: by itself, so that a seed does the same whatever the processes do. */
  readonly #nextFault: () => number;
  readonly #nextLoadMs: () => number;
  /** Versions by key. */
  readonly #database: number[];
  /** What loads read: the database, or a replica of it. */
  readonly #readable: number[];
  /** One a life of a process. */
  readonly #histories: WorkerHistory[] = [];
  readonly #faultCounts: Record<string, number> = {};
  readonly #workers: Worker[] = [];
  /** Those that end because we want it. */
  readonly #ending = new WeakSet<ChildProcess>();
  #failure: Error | undefined;
  #readCount = 0;

  constructor(options: HistoryOptions) {
    this.#options = options;
    this.#nextFault = createRandom(options.seed);
    const next = createRandom(options.seed + 1);
    this.#nextLoadMs = () => next() * LOAD_MS_MAX;
    this.#database = Array.from({ length: options.keyCount ?? 20 }, () => 1);
    this.#readable = options.mode === 'versioned' ? [...this.#database] : this.#database;
  }

  /** @throws {Error} when a process ended that was not to. */
  async run(): Promise<HistoryReport> {
    const { redisUrl, durationMs, readCountMin, mode, boundMs, takesLargest } = this.#options;
    const stalls: (readonly [number, number])[] = [];
    const stopWatching = watchStalls(stallMsOf(boundMs), (from, to) => {
      stalls.push([from, to]);
    });
    try {
      await Promise.all(
        Array.from({ length: WORKERS }, async (_, index) => {
          const proxy = await startProxy(redisUrl);
          this.#workers[index] = { ...(await this.#start(index, 0, proxy)), proxy, index, generation: 0 };
        }),
      );
      const endsAt = performance.now() + durationMs;
      while (performance.now() < endsAt || this.#readCount < readCountMin) {
        await sleep(50 + this.#nextFault() * 150);
        await this.#injectFault();
        this.#checkAlive();
      }
      await Promise.all(this.#workers.map(({ child }) => this.#stop(child)));
      this.#checkAlive();
    } finally {
      stopWatching();
      // Those alone that have started.
      const workers = Object.values(this.#workers);
      for (const { child } of workers) child.kill('SIGKILL');
      await Promise.all(workers.map(({ proxy }) => proxy.stop()));
    }
    const writes = this.#histories.flatMap((history) => history.writes);
    const isTold = mode === 'told';
    return {
      readCount: this.#readCount,
      writeCount: writes.length,
      confirmedCount: writes.filter(([, , , reach]) => reach === 'all').length,
      toldCount: writes.filter(([, , , reach]) => reach === 'told').length,
      faultCounts: this.#faultCounts,
      ...check(this.#histories, {
        stalls,
        ...(isTold ? { capMs: CAP_MS } : {}),
        ...(isTold && boundMs !== undefined ? { boundMs } : {}),
        ...(takesLargest === undefined ? {} : { takesLargest }),
      }),
    };
  }

  async #start(
    index: number,
    generation: number,
    proxy: FaultProxy,
  ): Promise<Pick<Worker, 'child' | 'history'>> {
    const { namespace, seed, mode, writeEveryMs = 10, broken = {} } = this.#options;
    const plan: WorkerPlan = {
      redisUrl: proxy.url,
      namespace,
      seed: seed + 1000 * (index + 1) + generation,
      mode,
      keyCount: this.#database.length,
      readerCount: 8,
      writeEveryMs,
      capMs: broken.capMs ?? CAP_MS,
      stallMs: stallMsOf(this.#options.boundMs),
      dropOneIn: broken.dropOneIn ?? 0,
      throwAtRead: broken.throwAtRead ?? 0,
    };
    const history = { worker: index, startedAt: nowMs(), faults: [], ...emptyRecords() };
    const child = fork(WORKER, [JSON.stringify(plan)], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    this.#histories.push(history);
    const answer = (call: number, version: number): void => {
      const message: ToWorker = { kind: 'answer', call, version };
      if (child.connected) child.send(message, () => {});
    };
    const ready = new Promise<void>((resolve, reject) => {
      child.on('exit', (code, signal) => {
        const error = new Error(`worker ${index} ended with ${signal ?? `code ${code}`}`);
        if (!this.#ending.has(child)) this.#failure ??= error;
        reject(error);
      });
      child.on('message', (message: FromWorker) => {
        switch (message.kind) {
          case 'ready':
            resolve();
            break;
          case 'load':
          case 'loadPrimary': {
            // Read now, answered later: that is how a stale set begins.
            const version = (message.kind === 'load' ? this.#readable : this.#database)[message.key]!;
            setTimeout(() => {
              answer(message.call, version);
            }, this.#nextLoadMs());
            break;
          }
          case 'write':
            answer(message.call, this.#write(message.key));
            break;
          case 'records':
            this.#take(history, message);
        }
      });
    });
    await ready;
    return { child, history };
  }

  #take(history: WorkerHistory, { records }: Extract<FromWorker, { readonly kind: 'records' }>): void {
    for (const read of records.reads) history.reads.push(read);
    for (const write of records.writes) history.writes.push(write);
    for (const heard of records.heard) history.heard.push(heard);
    for (const bus of records.bus) history.bus.push(bus);
    for (const stall of records.stalls) history.stalls.push(stall);
    this.#readCount += records.reads.length;
  }

  #write(key: number): number {
    const version = ++this.#database[key]!;
    if (this.#readable !== this.#database) {
      setTimeout(() => {
        this.#readable[key] = version;
      }, REPLICA_LAG_MS);
    }
    return version;
  }

  #checkAlive(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #stop(child: ChildProcess): Promise<void> {
    const message: ToWorker = { kind: 'stop' };
    await this.#end(child, () => {
      // Who has ended meanwhile hears nothing.
      child.send(message, () => {});
    });
  }

  /** One that has ended by itself is left to {@link run}. */
  async #end(child: ChildProcess, end: () => void): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    this.#ending.add(child);
    const exited = once(child, 'exit');
    end();
    await exited;
  }

  async #injectFault(): Promise<void> {
    const worker = this.#workers[Math.floor(this.#nextFault() * WORKERS)]!;
    const kind = pick(this.#options.faults ?? FAULT_KINDS, this.#nextFault());
    const length = this.#nextFault();
    if (kind === undefined) return;
    this.#faultCounts[kind] = (this.#faultCounts[kind] ?? 0) + 1;
    const { isCut, tailMs = 0, inject } = FAULTS[kind];
    const { proxy, child, history } = worker;
    const from = nowMs();
    await inject({ child, proxy, replace: () => this.#replace(worker) }, length);
    if (isCut !== undefined) history.faults.push({ from, to: nowMs() + tailMs, isCut });
  }

  async #replace(worker: Worker): Promise<void> {
    const { child } = worker;
    await this.#end(child, () => child.kill('SIGKILL'));
    Object.assign(worker, await this.#start(worker.index, ++worker.generation, worker.proxy));
  }
}
