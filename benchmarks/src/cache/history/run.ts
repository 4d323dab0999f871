import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type FaultProxy, startProxy } from '../../services/index.ts';
import { random } from '../trace.ts';
import { type StaleRead, staleReadsOf, type WorkerHistory } from './check.ts';
import type { FromWorker, ReadRecord, ToWorker, WorkerPlan, WriteRecord } from './protocol.ts';

const WORKER = fileURLToPath(new URL('worker.js', import.meta.url));
const WORKERS = 3;
const LOAD_MS_MAX = 8;
/** How far the replica that `versioned` loads from is behind. */
const REPLICA_LAG_MS = 50;
/** Longer than the lease under which a process serves memory, so that some wake up after it. */
const PAUSE_MS_MAX = 2500;

/** A history to be made. */
export interface HistoryOptions {
  readonly redisUrl: string;
  readonly namespace: string;
  /** Of the operations and the faults. What meets what is up to the machine: a seed is likely, not sure, to show a fault again. */
  readonly seed: number;
  readonly mode: WorkerPlan['mode'];
  /** It ends when there are so many reads and so much time has passed. */
  readonly readCountMin: number;
  readonly durationMs: number;
  readonly keyCount?: number;
  readonly writeEveryMs?: number;
}

/** What came of it. */
export interface HistoryReport {
  readonly readCount: number;
  readonly writeCount: number;
  /** Invalidations that were confirmed for all processes. */
  readonly confirmedCount: number;
  readonly faultCounts: Readonly<Record<string, number>>;
  readonly stale: readonly StaleRead[];
}

/** A process and the proxy between it and Redis. */
interface Worker {
  child: ChildProcess;
  readonly proxy: FaultProxy;
  readonly index: number;
  generation: number;
}

/** Lets three processes read and write through their caches, injects faults, and checks every read. */
export class History {
  readonly #options: HistoryOptions;
  readonly #next: () => number;
  /** Versions by key. */
  readonly #database: number[];
  /** What loads read: the database, or a replica of it. */
  readonly #readable: number[];
  /** One a life of a process. */
  readonly #histories: WorkerHistory[] = [];
  readonly #faultCounts: Record<string, number> = {};
  readonly #workers: Worker[] = [];
  #readCount = 0;

  constructor(options: HistoryOptions) {
    this.#options = options;
    this.#next = random(options.seed);
    this.#database = Array.from({ length: options.keyCount ?? 20 }, () => 1);
    this.#readable = options.mode === 'versioned' ? [...this.#database] : this.#database;
  }

  async run(): Promise<HistoryReport> {
    const { redisUrl, durationMs, readCountMin } = this.#options;
    try {
      await Promise.all(
        Array.from({ length: WORKERS }, async (_, index) => {
          const proxy = await startProxy(redisUrl);
          this.#workers[index] = {
            child: await this.#start(index, 0, proxy),
            proxy,
            index,
            generation: 0,
          };
        }),
      );
      const endsAt = performance.now() + durationMs;
      while (performance.now() < endsAt || this.#readCount < readCountMin) {
        await sleep(50 + this.#next() * 150);
        await this.#injectFault();
      }
      await Promise.all(this.#workers.map(({ child }) => this.#stop(child)));
    } finally {
      for (const { child } of this.#workers) child.kill('SIGKILL');
      await Promise.all(this.#workers.map(({ proxy }) => proxy.stop()));
    }
    const writes = this.#histories.flatMap((history) => history.writes);
    return {
      readCount: this.#readCount,
      writeCount: writes.length,
      confirmedCount: writes.filter(([, , , isForAll]) => isForAll).length,
      faultCounts: this.#faultCounts,
      stale: staleReadsOf(this.#histories),
    };
  }

  async #start(index: number, generation: number, proxy: FaultProxy): Promise<ChildProcess> {
    const { namespace, seed, mode, writeEveryMs = 20 } = this.#options;
    const plan: WorkerPlan = {
      redisUrl: proxy.url,
      namespace,
      seed: seed + 1000 * (index + 1) + generation,
      mode,
      keyCount: this.#database.length,
      readerCount: 8,
      writeEveryMs,
    };
    const child = fork(WORKER, [JSON.stringify(plan)], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    const reads: ReadRecord[] = [];
    const writes: WriteRecord[] = [];
    this.#histories.push({ worker: index, reads, writes });
    const answer = (call: number, version: number): void => {
      const message: ToWorker = { kind: 'answer', call, version };
      if (child.connected) child.send(message, () => {});
    };
    const ready = new Promise<void>((resolve, reject) => {
      child.on('exit', () => {
        reject(new Error('a worker ended before it was ready'));
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
            }, this.#next() * LOAD_MS_MAX);
            break;
          }
          case 'write':
            answer(message.call, this.#write(message.key));
            break;
          case 'records':
            for (const read of message.reads) reads.push(read);
            for (const write of message.writes) writes.push(write);
            this.#readCount += message.reads.length;
        }
      });
    });
    await ready;
    return child;
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

  async #stop(child: ChildProcess): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    const message: ToWorker = { kind: 'stop' };
    child.send(message);
    await exited;
  }

  async #injectFault(): Promise<void> {
    const worker = this.#workers[Math.floor(this.#next() * WORKERS)]!;
    const { proxy, child } = worker;
    const chance = this.#next();
    const lengthMs = this.#next() * PAUSE_MS_MAX;
    if (chance < 0.4) {
      this.#count('cut');
      proxy.cutAll();
    } else if (chance < 0.55) {
      this.#count('refused');
      await proxy.refuse(true);
      proxy.cutAll();
      await sleep(lengthMs / 5);
      await proxy.refuse(false);
    } else if (chance < 0.7) {
      this.#count('half-open');
      proxy.halfOpen(true);
      await sleep(lengthMs / 5);
      proxy.halfOpen(false);
      proxy.cutAll();
    } else if (chance < 0.8) {
      this.#count('slow');
      proxy.setLatencyMs(20);
      await sleep(lengthMs / 5);
      proxy.setLatencyMs(0);
    } else if (chance < 0.9) {
      this.#count('paused');
      child.kill('SIGSTOP');
      await sleep(lengthMs);
      child.kill('SIGCONT');
    } else {
      this.#count('killed');
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
      worker.child = await this.#start(worker.index, ++worker.generation, proxy);
    }
  }

  #count(fault: string): void {
    this.#faultCounts[fault] = (this.#faultCounts[fault] ?? 0) + 1;
  }
}
