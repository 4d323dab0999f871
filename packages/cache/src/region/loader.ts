import { type LoadEvent, loadChannel } from '../diagnostics.ts';
import { LoadManyContractError, LoadTimeoutError } from '../errors.ts';

/** What a loader is told beside the id. */
export interface LoadContext {
  /** Name of the definition. */
  readonly name: string;
}

/** Loads one value; `undefined` says that there is none. */
export type Load<V, Id> = (id: Id, context: LoadContext) => V | undefined | Promise<V | undefined>;

/**
 * Loads several values: an array as long as `ids`, in their order, `undefined` where there is none, an `Error` where
 * that one failed.
 */
export type LoadMany<V, Id> = (
  ids: readonly Id[],
  context: LoadContext,
) => Promise<readonly (V | undefined | Error)[]> | readonly (V | undefined | Error)[];

/** Ids of one `loadMany` call. */
const MAX_BATCH = 512;

interface Batch<Id> {
  readonly ids: Id[];
  readonly resolves: ((value: unknown) => void)[];
  readonly rejects: ((reason: unknown) => void)[];
  sent: boolean;
}

/** Calls the user's functions: bounded in time, counted, checked against their contract, and batched where they can be. */
export class Loader<V, Id> {
  readonly #load: Load<V, Id> | undefined;
  readonly #loadMany: LoadMany<V, Id> | undefined;
  readonly #timeoutMs: number;
  readonly #context: LoadContext;
  #batch: Batch<Id> | undefined;
  loadCount = 0;
  errorCount = 0;

  constructor(
    name: string,
    load: Load<V, Id> | undefined,
    loadMany: LoadMany<V, Id> | undefined,
    timeoutMs: number,
  ) {
    this.#load = load;
    this.#loadMany = loadMany;
    this.#timeoutMs = timeoutMs;
    this.#context = Object.freeze({ name });
  }

  /** One value. Calls of one turn of the event loop go to `loadMany` together, when there is one. */
  load(id: Id): Promise<unknown> {
    const loadMany = this.#loadMany;
    if (loadMany === undefined) return this.#call(1, () => this.#load!(id, this.#context));
    return new Promise((resolve, reject) => {
      let batch = this.#batch;
      if (batch === undefined) {
        const opened: Batch<Id> = { ids: [], resolves: [], rejects: [], sent: false };
        this.#batch = batch = opened;
        queueMicrotask(() => {
          void this.#send(opened, loadMany);
        });
      }
      batch.ids.push(id);
      batch.resolves.push(resolve);
      batch.rejects.push(reject);
      if (batch.ids.length === MAX_BATCH) void this.#send(batch, loadMany);
    });
  }

  async #send(batch: Batch<Id>, loadMany: LoadMany<V, Id>): Promise<void> {
    if (batch.sent) return;
    batch.sent = true;
    if (this.#batch === batch) this.#batch = undefined;
    const { ids, resolves, rejects } = batch;
    try {
      // One id is better served by the loader for one, if there is one.
      if (ids.length === 1 && this.#load !== undefined) {
        resolves[0]!(await this.#call(1, () => this.#load!(ids[0]!, this.#context)));
        return;
      }
      const values = await this.#call(ids.length, async () => {
        const answer: unknown = await loadMany(ids, this.#context);
        if (!Array.isArray(answer) || answer.length !== ids.length) {
          const got = Array.isArray(answer) ? `${answer.length} values` : typeof answer;
          throw new LoadManyContractError(`loadMany: expected an array of ${ids.length} values, got ${got}`);
        }
        return answer as unknown[];
      });
      for (let i = 0; i < ids.length; i++) {
        const value = values[i];
        if (value instanceof Error) rejects[i]!(value);
        else resolves[i]!(value);
      }
    } catch (error) {
      for (const reject of rejects) reject(error);
    }
  }

  async #call<T>(keyCount: number, call: () => T | Promise<T>): Promise<T> {
    this.loadCount++;
    const watched = loadChannel.hasSubscribers;
    const startedAt = watched ? performance.now() : 0;
    let timer: NodeJS.Timeout | undefined;
    try {
      const loading = call();
      const value =
        loading instanceof Promise
          ? await Promise.race([
              loading,
              new Promise<never>((_, reject) => {
                timer = setTimeout(() => {
                  reject(
                    new LoadTimeoutError(
                      `${this.#context.name}: the loader did not answer within ${this.#timeoutMs} ms`,
                    ),
                  );
                }, this.#timeoutMs);
              }),
            ])
          : await loading;
      if (watched) this.#publish(keyCount, startedAt);
      return value;
    } catch (error) {
      this.errorCount++;
      if (watched) this.#publish(keyCount, startedAt, error);
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  #publish(keyCount: number, startedAt: number, error?: unknown): void {
    const durationMs = performance.now() - startedAt;
    const region = this.#context.name;
    const event: LoadEvent =
      error === undefined ? { region, keyCount, durationMs } : { region, keyCount, durationMs, error };
    loadChannel.publish(event);
  }
}
