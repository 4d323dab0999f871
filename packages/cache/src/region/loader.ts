import { type LoadEvent, loadChannel } from '../diagnostics.ts';
import { LoadManyContractError, LoadTimeoutError } from '../errors.ts';
import { DeadlineQueue } from '../guard/deadlines.ts';
import { afterTurn, promiseOf } from '../promise.ts';

/** What a loader answers when `context.previous` still holds: it then lives on for another life. */
export const notModified: unique symbol = Symbol('hotpath.cache.notModified');
export type NotModified = typeof notModified;

/** What a loader is told beside the id. */
export interface LoadContext<V = unknown> {
  /** Name of the definition. */
  readonly name: string;
  /** Aborted when the load is given up, after `loadTimeoutMs`. */
  readonly signal: AbortSignal;
  /** The value that is no longer fresh, if there is one: ask with its ETag or its date, and answer {@link notModified}. */
  readonly previous: V | undefined;
  /** What is older is not accepted: a replica that has less lags behind, ask the primary. Only with `versionOf`. */
  readonly minVersion: number | undefined;
  /**
   * A level that others tell of newer rows did not answer, so that no `minVersion` may be known although there is one: ask
   * the primary, where replicas lag.
   */
  readonly unverified: boolean;
}

/** Loads one value; `undefined` says that there is none. */
export type Load<V, Id> = (
  id: Id,
  context: LoadContext<V>,
) => V | undefined | NotModified | Promise<V | undefined | NotModified>;

/**
 * Loads several values: an array as long as `ids`, in their order, `undefined` where there is none, an `Error` where
 * that one failed.
 */
export type LoadMany<V, Id> = (
  ids: readonly Id[],
  context: LoadContext<V>,
) => Promise<readonly (V | undefined | Error)[]> | readonly (V | undefined | Error)[];

/** What one load is for. */
export interface LoadWish<V> {
  readonly previous: V | undefined;
  readonly minVersion: number | undefined;
  readonly unverified: boolean;
}

/** Ids of one `loadMany` call. */
const MAX_BATCH = 512;
/** Weight of the latest load in the mean. */
const MEAN_WEIGHT = 0.2;

interface Batch<Id> {
  readonly ids: Id[];
  readonly resolves: ((value: unknown) => void)[];
  readonly rejects: ((reason: unknown) => void)[];
  minVersion: number | undefined;
  unverified: boolean;
  sent: boolean;
}

/** The signal is made when it is asked for: most loaders do not. */
class Context<V> implements LoadContext<V> {
  readonly name: string;
  readonly previous: V | undefined;
  readonly minVersion: number | undefined;
  readonly unverified: boolean;
  #controller: AbortController | undefined;

  constructor(name: string, wish: LoadWish<V>) {
    this.name = name;
    this.previous = wish.previous;
    this.minVersion = wish.minVersion;
    this.unverified = wish.unverified;
  }

  get signal(): AbortSignal {
    return (this.#controller ??= new AbortController()).signal;
  }

  abort(reason: Error): void {
    this.#controller?.abort(reason);
  }
}

/** Calls the user's functions: bounded in time, counted, checked against their contract, and batched where they can be. */
export class Loader<V, Id> {
  readonly #name: string;
  readonly #load: Load<V, Id> | undefined;
  readonly #loadMany: LoadMany<V, Id> | undefined;
  readonly #timeoutMs: number;
  readonly #deadlines: DeadlineQueue;
  #batch: Batch<Id> | undefined;
  loadCount = 0;
  errorCount = 0;
  /** How long loads take, the latest counting most, in ms. */
  meanMs = 0;

  constructor(
    name: string,
    load: Load<V, Id> | undefined,
    loadMany: LoadMany<V, Id> | undefined,
    timeoutMs: number,
  ) {
    this.#name = name;
    this.#load = load;
    this.#loadMany = loadMany;
    this.#timeoutMs = timeoutMs;
    this.#deadlines = new DeadlineQueue(timeoutMs);
  }

  /**
   * One value, or what the load failed with: exactly one of the two functions is called, once, and neither may throw. Calls
   * of one turn of the event loop go to `loadMany` together, when there is one.
   */
  load(
    id: Id,
    wish: LoadWish<V>,
    resolve: (value: unknown) => void,
    reject: (reason: unknown) => void,
  ): void {
    const loadMany = this.#loadMany;
    // What has something to compare with is asked for by itself, where that is possible.
    if (loadMany === undefined || (wish.previous !== undefined && this.#load !== undefined)) {
      this.#call(1, wish, (context) => this.#load!(id, context), resolve, reject);
      return;
    }
    let batch = this.#batch;
    if (batch === undefined) {
      const opened: Batch<Id> = {
        ids: [],
        resolves: [],
        rejects: [],
        minVersion: undefined,
        unverified: false,
        sent: false,
      };
      this.#batch = batch = opened;
      afterTurn(() => {
        this.#send(opened, loadMany);
      });
    }
    batch.ids.push(id);
    batch.resolves.push(resolve);
    batch.rejects.push(reject);
    if (wish.minVersion !== undefined) batch.minVersion = Math.max(wish.minVersion, batch.minVersion ?? 0);
    if (wish.unverified) batch.unverified = true;
    if (batch.ids.length === MAX_BATCH) this.#send(batch, loadMany);
  }

  #send(batch: Batch<Id>, loadMany: LoadMany<V, Id>): void {
    if (batch.sent) return;
    batch.sent = true;
    if (this.#batch === batch) this.#batch = undefined;
    const { ids, resolves, rejects, minVersion, unverified } = batch;
    const wish = { previous: undefined, minVersion, unverified };
    // One id is better served by the loader for one, if there is one.
    if (ids.length === 1 && this.#load !== undefined) {
      this.#call(1, wish, (context) => this.#load!(ids[0]!, context), resolves[0]!, rejects[0]!);
      return;
    }
    this.#call(
      ids.length,
      wish,
      async (context) => checkLoaded(await loadMany(ids, context), ids.length),
      (values) => {
        for (let i = 0; i < ids.length; i++) {
          const value = values[i];
          if (value instanceof Error) rejects[i]!(value);
          else resolves[i]!(value);
        }
      },
      (error) => {
        for (const reject of rejects) reject(error);
      },
    );
  }

  #call<T>(
    keyCount: number,
    wish: LoadWish<V>,
    call: (context: LoadContext<V>) => T | Promise<T>,
    resolve: (value: T) => void,
    reject: (reason: unknown) => void,
  ): void {
    this.loadCount++;
    const context = new Context<V>(this.#name, wish);
    const startedAt = performance.now();
    const fail = (error: unknown): void => {
      this.errorCount++;
      this.#took(keyCount, startedAt, error);
      reject(error);
    };
    const waiting = this.#deadlines.add(() => {
      const error = new LoadTimeoutError(
        `${this.#name}: the loader did not answer within ${this.#timeoutMs} ms`,
      );
      context.abort(error);
      fail(error);
    }, startedAt);
    promiseOf(() => call(context)).then(
      (value) => {
        if (!this.#deadlines.settle(waiting)) return;
        this.#took(keyCount, startedAt);
        resolve(value);
      },
      (error: unknown) => {
        if (this.#deadlines.settle(waiting)) fail(error);
      },
    );
  }

  #took(keyCount: number, startedAt: number, error?: unknown): void {
    const durationMs = performance.now() - startedAt;
    this.meanMs += (durationMs - this.meanMs) * (this.meanMs === 0 ? 1 : MEAN_WEIGHT);
    if (!loadChannel.hasSubscribers) return;
    const region = this.#name;
    const event: LoadEvent =
      error === undefined ? { region, keyCount, durationMs } : { region, keyCount, durationMs, error };
    loadChannel.publish(event);
  }
}

/** What was loaded, when it is as many values as there were ids. */
function checkLoaded(answer: unknown, count: number): unknown[] {
  if (Array.isArray(answer) && answer.length === count) return answer;
  const got = Array.isArray(answer) ? `${answer.length} values` : typeof answer;
  throw new LoadManyContractError(`loadMany: expected an array of ${count} values, got ${got}`);
}
