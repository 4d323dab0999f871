import type { QueryResult } from '../queryable.ts';
import type { PgConnection } from './pg-internals.ts';
import { type Request, Statement, type StatementOrigin } from './statement.ts';

/** Gives the next complete CopyData message, or `undefined` at the end. What it throws ends the COPY, and is what the caller gets. */
export type CopyFrames = () => Buffer | undefined | Promise<Buffer | undefined>;

const COPY_DONE = Buffer.from([0x63, 0, 0, 0, 4]);

/**
 * `COPY … FROM STDIN`: sends frames as fast as the socket takes them, and asks for the next one only then.
 *
 * The first one goes out behind the statement, a round trip earlier than the server asks for it, and what follows stops at the
 * first word of an error; frames that are on their way by then the server drops, as the protocol demands.
 */
export class CopyStatement extends Statement {
  readonly #frames: CopyFrames;
  #connection: PgConnection | undefined;
  #copying = false;
  /** What the source threw; boxed, because it may be anything. */
  #failure: { readonly error: unknown } | undefined;

  constructor(
    request: Request,
    origin: StatementOrigin,
    resolve: (result: QueryResult<never>) => void,
    reject: (error: unknown) => void,
    frames: CopyFrames,
  ) {
    super(request, origin, resolve, reject);
    this.#frames = frames;
  }

  override submit(connection: PgConnection): null {
    super.submit(connection);
    this.#connection = connection;
    this.#copying = true;
    this.#next();
    return null;
  }

  override handleCopyInResponse(): void {}

  override handleError(error: Error): void {
    this.#copying = false;
    super.handleError(error);
  }

  /** A server that waits for data does not see a cancel; this it sees. */
  override abandon(): void {
    if (!this.#copying) return;
    this.#copying = false;
    this.#connection!.sendCopyFail('given up');
  }

  override settle(status: 'I' | 'T' | 'E'): void {
    if (this.#failure === undefined) super.settle(status);
    else this.fail(this.#failure.error);
  }

  readonly #next = (): void => {
    // Settled although it copies: the connection is lost.
    if (!this.#copying || this.settled) return;
    let frame: Buffer | undefined | Promise<Buffer | undefined>;
    try {
      frame = this.#frames();
    } catch (error) {
      this.#fail(error);
      return;
    }
    if (frame instanceof Promise) {
      frame.then(this.#send, (error: unknown) => {
        this.#fail(error);
      });
    } else {
      this.#send(frame);
    }
  };

  /**
   * Sends a frame, and goes on in another turn of the event loop: as long as the system takes what is written at once, nothing
   * else would make it wait, nobody else would get a turn, and an error of the server would be read after the last frame.
   */
  readonly #send = (frame: Buffer | undefined): void => {
    if (!this.#copying) return;
    const { stream } = this.#connection!;
    if (frame === undefined) {
      this.#copying = false;
      stream.write(COPY_DONE);
    } else if (stream.write(frame)) {
      setImmediate(this.#next);
    } else {
      stream.once('drain', () => {
        setImmediate(this.#next);
      });
    }
  };

  #fail(error: unknown): void {
    if (!this.#copying) return;
    this.#failure = { error };
    this.abandon();
  }
}
