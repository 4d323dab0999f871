/**
 * Open-loop load: a request is sent when it is due, whether or not those before it were answered, and its latency counts
 * from then. A service that stalls for a second is thus seen by all who would have come in that second.
 *
 *   due        x   x x     x        x          the clients' own clock
 *   sent       x   x   x   x         x         late when every connection is busy, or when the generator is
 *   latency    ├──┤├────┤ …                    from due to answered
 */

import { type Answer, Connection } from './connection.ts';
import { type LoadRequest, type RequestOptions, requestsOf } from './requests.ts';
import { WriteHistory } from './staleness.ts';

export interface LoadOptions extends RequestOptions {
  readonly port: number;
  readonly durationMs: number;
  /** Most requests under way; those due beyond it wait here, and their latency tells. */
  readonly connections: number;
}

export interface LoadResult {
  /** Requests that were due. */
  readonly due: number;
  /** Of these, answered with 2xx. */
  readonly answered: number;
  /** Answered with anything else, or not at all. */
  readonly failed: number;
  /** Answered within the duration, a second. */
  readonly answeredPerSecond: number;
  /** Of all that were due; what was never answered counts with the time until the generator gave up. */
  readonly latencyMs: Quantiles;
  /** How late the generator itself was, while a connection was free. */
  readonly lateness: Quantiles;
  /** Most requests that waited for a connection. */
  readonly queuedMax: number;
  /** Reads of a user changed by this load that could be judged, and those of them that were older than they may be. */
  readonly reads: { readonly judged: number; readonly stale: number };
}

export interface Quantiles {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** So long answers are waited for after the last request was due, or as long as the load lasted if that is less. */
const PATIENCE_MS = 5_000;

/**
 * So long after a change was acknowledged other processes may answer with what was there before: the message through Redis
 * takes about a millisecond, on cores that are busy with a load it waits for its turn.
 */
export const PROPAGATION_MS = 500;

/** Loads of this process so far. */
let loads = 0;

export function quantilesOf(values: readonly number[]): Quantiles {
  const sorted = Float64Array.from(values).sort();
  const at = (share: number): number =>
    sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
  return { p50: at(0.5), p99: at(0.99), p999: at(0.999), max: at(1) };
}

class Load {
  readonly #options: LoadOptions;
  readonly #requests: Generator<LoadRequest, never>;
  readonly #idle: Connection[] = [];
  readonly #all = new Set<Connection>();
  /** Due, and without a connection; the oldest first. */
  readonly #queue: LoadRequest[] = [];
  readonly #latencies: number[] = [];
  readonly #latenesses: number[] = [];
  readonly #underWay = new Set<LoadRequest>();
  readonly #writes = new WriteHistory(PROPAGATION_MS);
  readonly #startMs = performance.now();
  #judged = 0;
  #stale = 0;
  #due = 0;
  #failed = 0;
  #answeredInTime = 0;
  #answered = 0;
  #queuedMax = 0;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#requests = requestsOf(options, `load ${process.pid}.${++loads}`);
  }

  async run(): Promise<LoadResult> {
    if (this.#options.perSecond === Infinity) await this.#runClosed();
    else await this.#runOpen();
    const endMs = this.#nowMs();
    for (const { atMs } of [...this.#queue, ...this.#underWay]) {
      this.#failed++;
      this.#latencies.push(endMs - atMs);
    }
    for (const connection of this.#all) connection.close();
    return {
      due: this.#due,
      answered: this.#answered,
      failed: this.#failed,
      answeredPerSecond: (this.#answeredInTime * 1000) / this.#options.durationMs,
      latencyMs: quantilesOf(this.#latencies),
      lateness: quantilesOf(this.#latenesses),
      queuedMax: this.#queuedMax,
      reads: { judged: this.#judged, stale: this.#stale },
    };
  }

  #nowMs(): number {
    return performance.now() - this.#startMs;
  }

  async #runOpen(): Promise<void> {
    const { durationMs } = this.#options;
    let next = this.#requests.next().value;
    while (next.atMs < durationMs) {
      const nowMs = this.#nowMs();
      while (next.atMs <= nowMs && next.atMs < durationMs) {
        this.#due++;
        this.#dispatch(next, nowMs);
        next = this.#requests.next().value;
      }
      const waitMs = Math.min(next.atMs, durationMs) - this.#nowMs();
      // A timer is up to a millisecond late; turns of the loop bridge the last of it.
      await new Promise<void>((resolve) => {
        if (waitMs > 2) setTimeout(resolve, waitMs - 1.5);
        else setImmediate(resolve);
      });
    }
    while (
      (this.#underWay.size > 0 || this.#queue.length > 0) &&
      this.#nowMs() < durationMs + Math.min(durationMs, PATIENCE_MS)
    ) {
      await new Promise((resolve) => {
        setTimeout(resolve, 5);
      });
    }
  }

  /** Every connection asks again as soon as it was answered: what the service can do at all. */
  async #runClosed(): Promise<void> {
    const { connections, durationMs } = this.#options;
    const client = async (): Promise<void> => {
      while (this.#nowMs() < durationMs) {
        const request = { ...this.#requests.next().value, atMs: this.#nowMs() };
        this.#due++;
        await this.#send(this.#connection()!, request);
      }
    };
    const patience = new Promise<void>((resolve) => {
      setTimeout(resolve, durationMs + Math.min(durationMs, PATIENCE_MS));
    });
    await Promise.race([Promise.all(Array.from({ length: connections }, client)), patience]);
  }

  #dispatch(request: LoadRequest, nowMs: number): void {
    const connection = this.#queue.length === 0 ? this.#connection() : undefined;
    if (connection === undefined) {
      this.#queue.push(request);
      this.#queuedMax = Math.max(this.#queuedMax, this.#queue.length);
      return;
    }
    this.#latenesses.push(nowMs - request.atMs);
    void this.#send(connection, request);
  }

  #connection(): Connection | undefined {
    const idle = this.#idle.pop();
    if (idle !== undefined || this.#all.size >= this.#options.connections) return idle;
    const fresh = new Connection(this.#options.port);
    this.#all.add(fresh);
    return fresh;
  }

  async #send(connection: Connection, request: LoadRequest): Promise<void> {
    this.#underWay.add(request);
    const { userId, name } = request;
    const sentMs = this.#nowMs();
    if (userId !== undefined && name !== undefined) this.#writes.sent(userId, name, sentMs);
    try {
      const answer = await connection.ask(request.method, request.path, request.body);
      if (answer.status >= 200 && answer.status < 300) {
        this.#judge(request, answer, sentMs);
        this.#answered++;
        if (this.#nowMs() <= this.#options.durationMs) this.#answeredInTime++;
      } else this.#failed++;
    } catch {
      this.#failed++;
    }
    const nowMs = this.#nowMs();
    this.#underWay.delete(request);
    this.#latencies.push(nowMs - request.atMs);
    if (!connection.open) this.#all.delete(connection);
    const waiting = this.#queue.shift();
    if (waiting !== undefined) {
      const free = connection.open ? connection : this.#connection();
      if (free !== undefined) void this.#send(free, waiting);
    } else if (connection.open) this.#idle.push(connection);
  }

  /** Notes what was changed, and whether what was read is as new as it has to be. */
  #judge({ userId, name }: LoadRequest, { body }: Answer, sentMs: number): void {
    if (userId === undefined) return;
    if (name !== undefined) this.#writes.acknowledged(userId, name, this.#nowMs());
    else if (this.#writes.has(userId)) {
      this.#judged++;
      const user = JSON.parse(body.toString()) as { name: string };
      if (this.#writes.isStale(userId, user.name, sentMs)) this.#stale++;
    }
  }
}

/** Loads the service on a port of this machine for a while. */
export function generateLoad(options: LoadOptions): Promise<LoadResult> {
  return new Load(options).run();
}
