import type { Settler } from './batch.ts';

/**
 * The promises of many items whose outcomes become known together. Each is a reaction to one promise that all share, for
 * half the price of a promise with two functions of its own. Reactions run in the order in which they were made, so
 * the one function that they have in common hands the outcomes out by counting:
 *
 * ```
 *  known ──┬─ then(next) ─► promise of item 0        resolve, reject, later: one call an item, in the order of the promises
 *          ├─ then(next) ─► promise of item 1        tell: all of them are there
 *          └─ then(next) ─► promise of item 2
 * ```
 */
export class SharedOutcomes<Result> implements Settler<Result> {
  readonly #known: Promise<void>;
  #tell!: () => void;
  readonly #outcomes: (Result | Promise<Result> | Failure)[] = [];
  #nextIndex = 0;

  constructor() {
    this.#known = new Promise((resolve) => {
      this.#tell = resolve;
    });
  }

  /** The promise of a further item. */
  promise(): Promise<Result> {
    return this.#known.then(this.#next);
  }

  resolve(result: Result): void {
    this.#outcomes.push(result);
  }

  reject(error: unknown): void {
    this.#outcomes.push(new Failure(error));
  }

  /** The next item is not settled with the others, but by what is returned. */
  later(): Settler<Result> {
    let settler: Settler<Result> | undefined;
    this.#outcomes.push(
      new Promise<Result>((resolve, reject) => {
        settler = { resolve, reject };
      }),
    );
    return settler!;
  }

  /** Settles all promises, in their order, before anything that is queued from now on. */
  tell(): void {
    this.#tell();
  }

  readonly #next = (): Result | Promise<Result> => {
    const outcome = this.#outcomes[this.#nextIndex++];
    if (outcome instanceof Failure) throw outcome.error;
    return outcome as Result | Promise<Result>;
  };
}

/** An outcome that no result of a handler can be mistaken for. */
class Failure {
  readonly error: unknown;

  constructor(error: unknown) {
    this.error = error;
  }
}
