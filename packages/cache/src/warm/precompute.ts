import type { Region } from '../region/region.ts';

/** The only key of an aggregate. */
const KEY = 'value';
/** Ticks of the processes are not in step: what was computed in the last nine tenths of a period is recent enough. */
const RECENT = 0.9;

/** Options of {@link Cache.precompute}. */
export interface PrecomputeOptions<V> {
  /** Under which it is stored; no other of this cache has it. */
  readonly name: string;
  readonly version?: number;
  /** How often it is computed anew, in ms, by one process at a time. */
  readonly everyMs: number;
  readonly compute: (context: { readonly signal: AbortSignal }) => Promise<V> | V;
  /** How long a value is served when none can be computed, in ms; ten periods by default. */
  readonly ttlMs?: number;
  /** How long one process may compute, in ms; one period by default. */
  readonly leaseMs?: number;
}

/** A value that is computed on a schedule; made by {@link Cache.precompute}. */
export class Precomputed<V> {
  readonly name: string;
  readonly #region: Region<undefined>;
  readonly #everyMs: number;
  readonly #ttlMs: number;
  readonly #now: () => number;
  readonly #timer: NodeJS.Timeout;
  #computed = false;
  #failureCount = 0;

  /** @internal */
  constructor(name: string, region: Region<undefined>, everyMs: number, ttlMs: number, now: () => number) {
    this.name = name;
    this.#region = region;
    this.#everyMs = everyMs;
    this.#ttlMs = ttlMs;
    this.#now = now;
    this.#timer = setInterval(() => void this.#tick(), everyMs).unref();
    void this.#first();
  }

  /** Whether this process has seen a value. */
  get computed(): boolean {
    return this.#computed;
  }

  /** How often computing failed in this process. */
  get failureCount(): number {
    return this.#failureCount;
  }

  /** The latest value; computed now if there is none. */
  async get(): Promise<V | undefined> {
    return (await this.#region.get(KEY, undefined)) as V | undefined;
  }

  /** The latest value that this process has in memory. */
  peek(): V | undefined {
    return this.#region.peek(KEY) as V | undefined;
  }

  /** Ends the schedule; the last value lives on. May be called twice. */
  stop(): void {
    clearInterval(this.#timer);
  }

  async #first(): Promise<void> {
    try {
      await this.#region.get(KEY, undefined);
      this.#computed = true;
    } catch {
      this.#failureCount++;
    }
  }

  async #tick(): Promise<void> {
    if (!this.#computed) {
      await this.#first();
      return;
    }
    try {
      await this.#region.renew(KEY, undefined, this.#now() + this.#ttlMs - RECENT * this.#everyMs);
    } catch {
      // The next period tries again; until then the last value is served.
      this.#failureCount++;
    }
  }
}
