import type { Clock } from './options.ts';

/** Before a cancel is repeated: a server that was about to begin has begun by then. */
const FIRST_PAUSE_MS = 20;

/** The connection, as its cancels see it. */
export interface CancelHost {
  /** The server has not answered the last statement yet. */
  readonly executing: boolean;
  /** The server has given up the statement, and no request is on its way any more. */
  onCancelled(): void;
  /** Nobody knows what the server does: the connection is of no more use. */
  onCancelFailed(cause: Error): void;
}

/**
 * Has the server give up what a connection executes: by a request on a second socket, which is repeated until the server is
 * ready, and for no longer than the grace.
 */
export class Cancelling {
  readonly #clock: Clock;
  readonly #graceMs: number;
  readonly #request: (done: (error: Error | undefined) => void) => () => void;
  readonly #host: CancelHost;
  #giveUp: (() => void) | undefined;
  #graceTimer: unknown;
  #repeatTimer: unknown;
  #stopped = false;

  /** @param request sends one; calls back when the server has seen it, and returns how to give it up. */
  constructor(
    clock: Clock,
    graceMs: number,
    request: (done: (error: Error | undefined) => void) => () => void,
    host: CancelHost,
  ) {
    this.#clock = clock;
    this.#graceMs = graceMs;
    this.#request = request;
    this.#host = host;
  }

  /** A request is on its way: what is written now it could hit. */
  get pending(): boolean {
    return this.#giveUp !== undefined;
  }

  start(): void {
    if (this.#graceTimer !== undefined) return;
    this.#graceTimer = this.#clock.setTimeout(() => {
      this.#host.onCancelFailed(new Error(`a cancel was not confirmed within ${this.#graceMs} ms`));
    }, this.#graceMs);
    this.#send(FIRST_PAUSE_MS);
  }

  /** The server is ready: no further request. */
  onReady(): void {
    if (this.#repeatTimer === undefined) return;
    this.#clock.clearTimeout(this.#repeatTimer);
    this.#repeatTimer = undefined;
  }

  /** The server is ready, and no request is on its way. */
  confirm(): void {
    if (this.#graceTimer === undefined) return;
    this.#clock.clearTimeout(this.#graceTimer);
    this.#graceTimer = undefined;
  }

  /** Gives up, for good. */
  stop(): void {
    this.#stopped = true;
    this.confirm();
    this.onReady();
    this.#giveUp?.();
  }

  /** One request. A server that had not begun with the statement ignores it, so it is repeated, with growing pauses. */
  #send(pauseMs: number): void {
    this.#giveUp = this.#request((error) => {
      this.#giveUp = undefined;
      if (this.#stopped) return;
      if (error !== undefined) {
        // Nobody knows whether the request reached the server.
        this.#host.onCancelFailed(error);
      } else if (this.#host.executing) {
        this.#repeatTimer = this.#clock.setTimeout(() => {
          this.#send(pauseMs * 2);
        }, pauseMs);
      } else {
        this.#host.onCancelled();
      }
    });
  }
}
