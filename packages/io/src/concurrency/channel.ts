import { refusedBy, rejected, type WaitOptions } from '../abort.ts';
import { integer } from '../arguments.ts';
import { ClosedError, ArgumentTypeError } from '../errors.ts';
import { WaitList } from './wait-list.ts';

interface Sender<T> {
  readonly value: T;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

interface Receiver<T> {
  readonly resolve: (result: IteratorResult<T, undefined>) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * A bounded queue between any number of senders and receivers, in order; each value goes to one receiver. Made by
 * {@link createChannel}.
 *
 * Invariants: senders wait only while the buffer is full, receivers only while it is empty; never both.
 */
export class Channel<T> implements AsyncIterable<T> {
  /** Values that wait for a receiver at most; senders wait beside them. */
  readonly capacity: number;
  /** A ring: grows by doubling up to the capacity, so that a large capacity costs nothing until it is used. */
  #ring: (T | undefined)[] = new Array<T | undefined>(8);
  #head = 0;
  #size = 0;
  readonly #senders = new WaitList<Sender<T>>();
  readonly #receivers = new WaitList<Receiver<T>>();
  #isClosed = false;
  #failure: ClosedError | undefined;

  /** @internal Use {@link createChannel}. */
  constructor(capacity: number) {
    if (capacity === undefined) throw new ArgumentTypeError('capacity: expected a number, got undefined');
    this.capacity = integer('capacity', capacity, 1, 1, 2 ** 30);
  }

  /** Values that wait for a receiver. */
  get size(): number {
    return this.#size;
  }

  /** Whether `send` takes nothing any more. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /**
   * Resolves when the value is in the buffer or with a receiver.
   *
   * @throws {ClosedError} the channel is closed, or was destroyed while this waited
   * @throws the signal's reason
   */
  send(value: T, options?: WaitOptions): Promise<void> {
    const signal = options?.signal;
    const refused = refusedBy(signal);
    if (refused !== undefined) return refused;
    if (this.#isClosed) return rejected(this.#failure ?? new ClosedError('channel'));
    if (this.trySend(value)) return SENT;
    return new Promise((resolve, reject: (error: unknown) => void) => {
      const detach = onAbort(signal, () => {
        this.#senders.remove(waiting);
        // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- the signal's own reason, whatever it is
        reject(signal!.reason);
      });
      const waiting = this.#senders.add({
        value,
        resolve: () => {
          detach?.();
          resolve();
        },
        reject: (error) => {
          detach?.();
          // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- the signal's own reason, whatever it is
          reject(error);
        },
      });
    });
  }

  /** Sends without waiting: false when the buffer is full or the channel closed, and nothing was taken. */
  trySend(value: T): boolean {
    if (this.#isClosed) return false;
    const receiver = this.#receivers.shift();
    if (receiver !== undefined) {
      receiver.resolve({ done: false, value });
      return true;
    }
    if (this.#size === this.capacity) return false;
    this.#push(value);
    return true;
  }

  /**
   * The next value, or `done` when the channel is closed and empty.
   *
   * @throws {ClosedError} the channel was destroyed; its cause is the reason
   * @throws the signal's reason
   */
  receive(options?: WaitOptions): Promise<IteratorResult<T, undefined>> {
    const signal = options?.signal;
    const refused = refusedBy(signal);
    if (refused !== undefined) return refused;
    if (this.#failure !== undefined) return rejected(this.#failure);
    if (this.#size > 0) return Promise.resolve({ done: false, value: this.#shift() });
    if (this.#isClosed) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve, reject: (error: unknown) => void) => {
      const detach = onAbort(signal, () => {
        this.#receivers.remove(waiting);
        // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- the signal's own reason, whatever it is
        reject(signal!.reason);
      });
      const waiting = this.#receivers.add({
        resolve: (result) => {
          detach?.();
          resolve(result);
        },
        reject: (error) => {
          detach?.();
          // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- the signal's own reason, whatever it is
          reject(error);
        },
      });
    });
  }

  /** Takes no more; what was sent, waiting senders included, is still received. A second call does nothing. */
  close(): void {
    this.#isClosed = true;
    for (let next = this.#receivers.shift(); next !== undefined; next = this.#receivers.shift()) {
      next.resolve({ done: true, value: undefined });
    }
  }

  /** Drops what is buffered; whoever waits, or comes later, is rejected with a {@link ClosedError} whose cause is the reason. */
  destroy(reason?: unknown): void {
    if (this.#failure !== undefined) return;
    this.#isClosed = true;
    this.#failure = new ClosedError('channel', reason);
    this.#ring = [];
    this.#size = 0;
    for (const waiting of [this.#senders, this.#receivers]) {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) next.reject(this.#failure);
    }
  }

  /** Receives until the channel is closed and empty. Stopping early leaves the channel open to others. */
  [Symbol.asyncIterator](): AsyncIterator<T, undefined> {
    return { next: () => this.receive() };
  }

  #push(value: T): void {
    const { length } = this.#ring;
    if (this.#size === length) {
      this.#ring = [...this.#ring.slice(this.#head), ...this.#ring.slice(0, this.#head)];
      this.#ring.length = length * 2;
      this.#head = 0;
    }
    this.#ring[(this.#head + this.#size) % this.#ring.length] = value;
    this.#size++;
  }

  #shift(): T {
    const value = this.#ring[this.#head] as T;
    this.#ring[this.#head] = undefined;
    this.#head = (this.#head + 1) % this.#ring.length;
    this.#size--;
    const sender = this.#senders.shift();
    if (sender !== undefined) {
      this.#push(sender.value);
      sender.resolve();
    }
    return value;
  }
}

const SENT = Promise.resolve();

function onAbort(signal: AbortSignal | undefined, listener: () => void): (() => void) | undefined {
  if (signal === undefined) return undefined;
  signal.addEventListener('abort', listener, { once: true });
  return () => signal.removeEventListener('abort', listener);
}

/**
 * A bounded channel.
 *
 * @throws {ArgumentTypeError} @throws {ArgumentRangeError} a capacity that is no integer from 1 to 2^30
 *
 * @example
 * ```ts
 * import { createChannel } from '@hotpath/io';
 *
 * const channel = createChannel<number>(100);
 * const produce = async (): Promise<void> => {
 *   for (let item = 0; item < 1000; item++) await channel.send(item);
 *   channel.close();
 * };
 * void produce();
 * for await (const item of channel) console.log(item);
 * ```
 */
export function createChannel<T>(capacity: number): Channel<T> {
  return new Channel(capacity);
}
