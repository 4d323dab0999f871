/**
 * The comparison that the guide ends with. For each run: a fresh process of every service, its just-in-time compiler
 * warmed by the same load, then windows of load in the order A, B, B, A; in a quick run A, B.
 *
 *   1. naive, asked by clients that never pause: all that it answers, whatever the latency, is its capacity.
 *   2. ours: the rate is raised until p99 misses the objective; the highest that met it is its capacity.
 *   3. both at the naive service's own capacity: latencies, CPU a request, memory, delay of the event loop.
 *
 * The naive service misses the objective at any rate. Giving it all that it answers makes the ratio of the capacities a
 * lower bound.
 */

import { join } from 'node:path';
import pg from 'pg';
import type { LoadResult } from './load/generate.ts';
import { cpuSeconds, findLocalServers, type LocalServers } from '../services/local-servers.ts';
import { canPin, pinForNow } from '../services/pinning.ts';
import {
  bareNodeBytes,
  type GeneratorProcess,
  OTHERS_CORE,
  SERVICE_CORE,
  type ServiceProcess,
  startCluster,
  startGenerator,
  startService,
} from './processes.ts';
import { inSchema, seed } from './seed.ts';
import type { Held, ServeOptions, Usage } from './serve.ts';
import { FULL_SIZE, QUICK_SIZE, type Size } from './size.ts';
import { isIndexed, type VariantName } from './variants.ts';

export const OBJECTIVE_P99_MS = 50;
/** Requests under way at once, at most: as many as browsers behind a balancer hold open. */
const CONNECTIONS = 128;
/** Clients that never pause, for the naive service's capacity. */
const GREEDY_CLIENTS = 16;
/** The search for a capacity begins at this share of what clients that never pause were answered. */
const FIRST_SHARE = 0.6;
/** A queue grows without end at the capacity itself. */
const SHARE_OF_CAPACITY = 0.8;

/** One window of load on one service. */
export interface Window {
  readonly load: LoadResult;
  readonly usage: Usage;
}

/** What one run found of one service. */
export interface ServiceRun {
  /** Requests a second. */
  readonly capacity: number;
  /** At the common rate, each on a process of its own. */
  readonly windows: readonly Window[];
}

/** A rate that was tried, requests a second, and the latencies found there, in ms. */
export interface SweepPoint {
  readonly rate: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
}

interface Sweep {
  /** Of the highest rate that met the objective; 0 when none did. */
  readonly capacity: number;
  readonly cpuMicrosAtCapacity: number;
  readonly sweep: readonly SweepPoint[];
}

export interface Comparison {
  readonly commonRates: readonly number[];
  readonly naive: readonly ServiceRun[];
  readonly ours: readonly ServiceRun[];
  /** Of ours; of the last run. */
  readonly sweep: Sweep;
  /** Ours without warm-up and with an empty Redis, at the common rate; not in a quick run. */
  readonly cold: Window | undefined;
  /** What the heaps hold after the first window at the common rate. */
  readonly held: { readonly naive: Held; readonly ours: Held };
  readonly bareNodeBytes: number;
  readonly pinned: boolean;
}

/** What several processes answered, and how many cores each part of the machine took meanwhile. */
export interface ScaledOut {
  readonly load: LoadResult;
  readonly cores: Readonly<Record<string, number>>;
}

export interface ExperimentOptions {
  readonly postgresUrl: string;
  readonly redisUrl: string;
  /** An empty folder. */
  readonly scratch: string;
  readonly seed: number;
  readonly quick: boolean;
}

interface Times {
  readonly warmMs: number;
  readonly greedyMs: number;
  readonly sweepMs: number;
  readonly windowMs: number;
  readonly runs: number;
  readonly sweepSteps: number;
  readonly stepMs: number;
}

const QUICK: Times = {
  warmMs: 300,
  greedyMs: 700,
  sweepMs: 400,
  sweepSteps: 2,
  windowMs: 800,
  runs: 1,
  stepMs: 300,
};
const FULL: Times = {
  warmMs: 3000,
  greedyMs: 6000,
  sweepMs: 2500,
  sweepSteps: 9,
  windowMs: 6000,
  runs: 3,
  stepMs: 5000,
};

/** Keeps a service's rest apart from the next one's. */
let started = 0;

export class Experiment implements AsyncDisposable {
  readonly #options: ExperimentOptions;
  readonly #times: Times;
  readonly #size: Size;
  readonly #generator: GeneratorProcess;
  readonly #servers: LocalServers;
  readonly #unpin: () => void;
  readonly #held = new Map<VariantName, Held>();
  readonly pinned: boolean;

  private constructor(
    options: ExperimentOptions,
    generator: GeneratorProcess,
    servers: LocalServers,
    pinned: boolean,
  ) {
    this.#options = options;
    this.#times = options.quick ? QUICK : FULL;
    this.#size = options.quick ? QUICK_SIZE : FULL_SIZE;
    this.#generator = generator;
    this.#servers = servers;
    this.pinned = pinned;
    this.#unpin = pinned ? pinServers(servers) : (): void => {};
  }

  /** Makes the data unless they are there, moves the servers to the generator's core, starts the generator. */
  static async open(options: ExperimentOptions): Promise<Experiment> {
    const client = new pg.Client(options.postgresUrl);
    await client.connect();
    try {
      const size = options.quick ? QUICK_SIZE : FULL_SIZE;
      for (const [schema, indexed] of [
        ['w1_plain', false],
        ['w1_indexed', true],
      ] as const) {
        const { rows } = await client.query('SELECT 1 FROM pg_namespace WHERE nspname = $1', [schema]);
        if (rows.length === 0) await seed(client, schema, size, indexed);
      }
      const servers = await findLocalServers({ postgres: client, redisUrl: options.redisUrl });
      const pinned = canPin();
      const generator = await startGenerator(pinned ? OTHERS_CORE : undefined);
      return new Experiment(options, generator, servers, pinned);
    } finally {
      await client.end();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#unpin();
    await this.#generator.stop();
  }

  /** Naive against optimised. */
  async compare(): Promise<Comparison> {
    const { runs } = this.#times;
    const commonRates: number[] = [];
    const found = { naive: [] as ServiceRun[], ours: [] as ServiceRun[] };
    let sweep: Sweep | undefined;
    let cold: Window | undefined;
    for (let run = 0; run < runs; run++) {
      const { load: greedy } = await this.greedy('naive', this.#times.greedyMs);
      sweep = await this.#sweep();
      const { capacity } = sweep;
      const rate = Math.max(1, greedy.answeredPerSecond * SHARE_OF_CAPACITY);
      commonRates.push(rate);
      const [a, b] = [[await this.#window('naive', rate)], [await this.#window('optimised', rate)]];
      if (!this.#options.quick) {
        // A, B, B, A: whatever drifts hits both alike.
        b.push(await this.#window('optimised', rate));
        a.push(await this.#window('naive', rate));
        cold ??= await this.#window('optimised', rate, true);
      }
      found.naive.push({ capacity: greedy.answeredPerSecond, windows: a });
      found.ours.push({ capacity, windows: b });
    }
    return {
      commonRates,
      naive: found.naive,
      ours: found.ours,
      sweep: sweep!,
      cold,
      held: { naive: this.#held.get('naive')!, ours: this.#held.get('optimised')! },
      bareNodeBytes: bareNodeBytes(),
      pinned: this.pinned,
    };
  }

  /** What a service answers to clients that never pause, in the time that a step gets. */
  async step(name: VariantName): Promise<Window> {
    return await this.greedy(name, this.#times.stepMs);
  }

  /** What the optimised service answers as so many processes behind one port, to clients that never pause. */
  async scaledOut(workers: number): Promise<ScaledOut> {
    const service = await startCluster(this.#serveOptions('optimised', true), workers);
    const roots = { service: service.pid, generator: this.#generator.pid, ...this.#servers };
    try {
      const before = cpuSeconds(roots);
      const startMs = performance.now();
      const load = await this.#ask(service, Infinity, this.#times.stepMs, GREEDY_CLIENTS * workers);
      const seconds = (performance.now() - startMs) / 1000;
      const cores = Object.entries(cpuSeconds(roots)).map(
        ([name, after]) => [name, (after - before[name]!) / seconds] as const,
      );
      return { load, cores: Object.fromEntries(cores) };
    } finally {
      await service.stop();
    }
  }

  /** All that a service answers to clients that never pause. */
  async greedy(variant: VariantName, durationMs: number): Promise<Window> {
    await using service = await this.#start(variant, variant === 'optimised');
    return await this.#load(service, Infinity, durationMs, GREEDY_CLIENTS);
  }

  async #sweep(): Promise<Sweep> {
    await using service = await this.#start('optimised', true);
    const { load: warmUp } = await this.#load(service, Infinity, this.#times.warmMs, GREEDY_CLIENTS);
    const sweep: SweepPoint[] = [];
    let best: Window | undefined;
    let [met, missed, rate] = [0, Infinity, Math.max(1, warmUp.answeredPerSecond * FIRST_SHARE)];
    for (let left = this.#times.sweepSteps; left > 0; left--) {
      const window = await this.#load(service, rate, this.#times.sweepMs);
      const { p50, p99, p999 } = window.load.latencyMs;
      sweep.push({ rate, p50, p99, p999 });
      if (window.load.failed === 0 && p99 <= OBJECTIVE_P99_MS) {
        best = window;
        met = rate;
      } else missed = rate;
      // Up and down by factors until the capacity lies between two rates, then halve what is between them.
      rate = missed === Infinity ? rate * 1.6 : met === 0 ? rate / 2 : Math.sqrt(met * missed);
    }
    sweep.sort((a, b) => a.rate - b.rate);
    return {
      capacity: best?.load.answeredPerSecond ?? 0,
      cpuMicrosAtCapacity: best === undefined ? Number.NaN : best.usage.cpuMicros / best.load.answered,
      sweep,
    };
  }

  async #window(variant: VariantName, rate: number, cold = false): Promise<Window> {
    await using service = await this.#start(variant, !cold);
    if (!cold) await this.#load(service, Infinity, this.#times.warmMs, GREEDY_CLIENTS);
    const window = await this.#load(service, rate, this.#times.windowMs);
    if (!this.#held.has(variant)) this.#held.set(variant, await service.held());
    return window;
  }

  async #start(variant: VariantName, warm: boolean): Promise<ServiceProcess & AsyncDisposable> {
    const service = await startService(
      this.#serveOptions(variant, warm),
      this.pinned ? SERVICE_CORE : undefined,
    );
    return {
      ...service,
      async [Symbol.asyncDispose]() {
        await service.stop();
      },
    };
  }

  #serveOptions(variant: VariantName, warm: boolean): ServeOptions {
    const { postgresUrl, redisUrl, scratch } = this.#options;
    const index = started++;
    return {
      variant,
      port: 0,
      config: {
        databaseUrl: inSchema(postgresUrl, isIndexed(variant) ? 'w1_indexed' : 'w1_plain'),
        redisUrl,
        accessLog: join(scratch, `access-${index}.log`),
        namespace: `w1-${process.pid}-${index}`,
        warmUsers: warm ? this.#size.users / 20 : 0,
      },
    };
  }

  async #load(
    service: ServiceProcess,
    perSecond: number,
    durationMs: number,
    connections: number = CONNECTIONS,
  ): Promise<Window> {
    await service.usage();
    const load = await this.#ask(service, perSecond, durationMs, connections);
    return { load, usage: await service.usage() };
  }

  async #ask(
    { port }: ServiceProcess,
    perSecond: number,
    durationMs: number,
    connections: number,
  ): Promise<LoadResult> {
    const { users } = this.#size;
    const { seed: randomSeed } = this.#options;
    return await this.#generator.load({ port, seed: randomSeed, users, perSecond, durationMs, connections });
  }
}

/** Moves servers of this machine that we may move to the generator's core, so that the service has one for itself. */
function pinServers({ postgres, redis }: LocalServers): () => void {
  const unpins = [postgres, redis].map((pid) =>
    pid === undefined ? undefined : pinForNow(pid, String(OTHERS_CORE)),
  );
  return () => {
    for (const unpin of unpins) unpin?.();
  };
}
