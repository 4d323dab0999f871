import { finished, Writable } from 'node:stream';
import { describe } from '../arguments.ts';
import { ClosedError, ArgumentTypeError } from '../errors.ts';
import { Writer } from '../writer/writer.ts';
import { Channel } from './channel.ts';
import { isThenable } from './source.ts';

/**
 * Where a pipeline ends: a function called with each item, a writer (flushed at the end), a channel (closed at the end), a Node `Writable` or a Web
 * `WritableStream` (both ended).
 */
export type Sink<T> =
  | ((item: T) => unknown)
  | Channel<T>
  | NodeJS.WritableStream
  | WritableStream<T>
  | (T extends string | Uint8Array ? Writer : never);

/** A sink as a pipeline drives it. */
export interface SinkDriver<T> {
  /** A promise only where the sink makes the pipeline wait. */
  write(item: T): PromiseLike<unknown> | undefined;
  end(): Promise<void>;
  /** The pipeline failed or was aborted. */
  abort(reason: unknown): void;
}

/** @throws {ArgumentTypeError} nothing that takes items */
export function driverOf<T>(sink: Sink<T>): SinkDriver<T> {
  if (typeof sink === 'function') return new FunctionSink(sink);
  if (sink instanceof Channel) return new ChannelSink(sink);
  if (sink instanceof Writer) return new WriterSink(sink) as unknown as SinkDriver<T>;
  if (sink instanceof Writable) return new NodeSink(sink);
  if (typeof (sink as Partial<WritableStream<T>> | undefined)?.getWriter === 'function') {
    return new WebSink((sink as WritableStream<T>).getWriter());
  }
  throw new ArgumentTypeError(
    `sink: expected a function, a writer, a channel or a writable stream, got ${describe(sink)}`,
  );
}

class FunctionSink<T> implements SinkDriver<T> {
  readonly #call: (item: T) => unknown;

  constructor(call: (item: T) => unknown) {
    this.#call = call;
  }

  write(item: T): PromiseLike<unknown> | undefined {
    const returned = this.#call(item);
    return isThenable(returned) ? returned : undefined;
  }

  async end(): Promise<void> {}

  abort(): void {}
}

class ChannelSink<T> implements SinkDriver<T> {
  readonly #channel: Channel<T>;

  constructor(channel: Channel<T>) {
    this.#channel = channel;
  }

  write(item: T): PromiseLike<unknown> | undefined {
    return this.#channel.trySend(item) ? undefined : this.#channel.send(item);
  }

  async end(): Promise<void> {
    this.#channel.close();
  }

  abort(reason: unknown): void {
    this.#channel.destroy(reason);
  }
}

class WriterSink implements SinkDriver<string | Uint8Array> {
  readonly #writer: Writer;

  constructor(writer: Writer) {
    this.#writer = writer;
  }

  write(item: string | Uint8Array): PromiseLike<unknown> | undefined {
    return this.#writer.write(item) ? undefined : this.#writer.ready();
  }

  end(): Promise<void> {
    return this.#writer.flush();
  }

  /** It is the user's, who may go on writing to it. */
  abort(): void {}
}

class NodeSink<T> implements SinkDriver<T> {
  readonly #stream: Writable;
  /** Settles when the stream is over, well or not. */
  readonly #finished: Promise<void>;
  #wake: (() => void) | undefined;

  constructor(stream: Writable) {
    this.#stream = stream;
    stream.on('drain', this.#onDrain);
    this.#finished = new Promise((resolve, reject) => {
      finished(stream, { readable: false }, (error) => {
        stream.off('drain', this.#onDrain);
        this.#onDrain();
        if (error) reject(error);
        else resolve();
      });
    });
    // Looked at where the pipeline writes or ends; may come before either.
    this.#finished.catch(() => {});
  }

  readonly #onDrain = (): void => {
    this.#wake?.();
    this.#wake = undefined;
  };

  write(item: T): PromiseLike<unknown> | undefined {
    if (!this.#stream.writable) return this.#gone();
    if (this.#stream.write(item)) return undefined;
    return new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }

  /** Somebody else ended or destroyed it. */
  async #gone(): Promise<never> {
    if (this.#stream.destroyed) await this.#finished;
    throw new ClosedError('sink');
  }

  end(): Promise<void> {
    this.#stream.end();
    return this.#finished;
  }

  abort(reason: unknown): void {
    this.#stream.destroy(reason instanceof Error ? reason : new ClosedError('pipeline', reason));
  }
}

class WebSink<T> implements SinkDriver<T> {
  readonly #writer: WritableStreamDefaultWriter<T>;

  constructor(writer: WritableStreamDefaultWriter<T>) {
    this.#writer = writer;
    // A failed stream says so in every promise; those of the writes are looked at through `ready` and `closed`.
    writer.closed.catch(() => {});
  }

  async write(item: T): Promise<void> {
    await this.#writer.ready;
    this.#writer.write(item).catch(() => {});
  }

  end(): Promise<void> {
    return this.#writer.close();
  }

  abort(reason: unknown): void {
    this.#writer.abort(reason).catch(() => {});
  }
}
