import type { Socket } from 'node:net';

/** What a proxy does to the data; shared by all of its lanes, changed while they run. */
export interface LaneConditions {
  /** Delay of each piece of data in this one direction. */
  latencyMs: number;
  /** The delay varies by up to this much both ways. */
  jitterMs: number;
  /** `Infinity` for no limit. */
  bytesPerSecond: number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

interface Piece {
  readonly dueMs: number;
  /** `null` for the end of the stream. */
  readonly data: Buffer | null;
}

/** So much may wait in a lane before its source is paused. */
const QUEUED_BYTES_MAX = 1 << 20;
/** A throttled lane sends in pieces of this duration, so that a rate is a rate and not a burst a second. */
const THROTTLED_PIECE_MS = 20;
/** The shortest wait of a timer; a shorter one is a poll, which costs the proxy's thread and is right to some microseconds. */
const TIMER_MS = 1;

/**
 * One direction of a proxied connection: reads `from`, writes to `to`, in order.
 *
 * A piece read at `t` waits for the line (`lineFreeMs`, with a limited rate), takes `size ÷ rate` on it, then the latency:
 *
 * ```
 *   sent  = max(t, lineFree) + size ÷ rate        lineFree = sent
 *   due   = sent + latency ± jitter
 * ```
 *
 * So the latency of many pieces overlaps, as on a long cable. They leave in the order in which they came: one that is
 * due waits for those before it, whatever the jitter.
 */
export class Lane {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #conditions: LaneConditions;
  readonly #onBudgetSpent: () => void;
  #queue: Piece[] = [];
  #queuedBytes = 0;
  #lineFreeMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #poll: NodeJS.Immediate | undefined;
  #blocked = false;
  #closed = false;
  #swallowing = false;
  /** Bytes that may still be forwarded. */
  budgetBytes: number = Number.POSITIVE_INFINITY;

  constructor(from: Socket, to: Socket, conditions: LaneConditions, onBudgetSpent: () => void) {
    this.#from = from;
    this.#to = to;
    this.#conditions = conditions;
    this.#onBudgetSpent = onBudgetSpent;
    from.on('data', (data: Buffer) => {
      this.#receive(data);
    });
    from.on('end', () => {
      this.#receive(null);
    });
    to.on('drain', () => {
      this.#blocked = false;
      this.#pump();
    });
  }

  /** From now on what arrives is read and dropped, and what waits is dropped too: nothing reaches the other side. */
  swallow(): void {
    this.#swallowing = true;
    this.#clear();
    this.#from.resume();
  }

  /** Ends the lane's timers; the sockets are the owner's to close. */
  close(): void {
    this.#closed = true;
    this.#clear();
  }

  #clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    clearImmediate(this.#poll);
    this.#poll = undefined;
    this.#queue = [];
    this.#queuedBytes = 0;
  }

  #receive(data: Buffer | null): void {
    if (this.#swallowing || this.#closed) return;
    const { bytesPerSecond } = this.#conditions;
    if (data === null || bytesPerSecond === Number.POSITIVE_INFINITY) {
      this.#enqueue(data);
    } else {
      const pieceBytes = Math.max(1, Math.ceil((bytesPerSecond * THROTTLED_PIECE_MS) / 1000));
      for (let at = 0; at < data.length; at += pieceBytes) this.#enqueue(data.subarray(at, at + pieceBytes));
    }
    if (this.#queuedBytes > QUEUED_BYTES_MAX) this.#from.pause();
    this.#pump();
  }

  #enqueue(data: Buffer | null): void {
    const { latencyMs, jitterMs, bytesPerSecond, random } = this.#conditions;
    const sizeBytes = data?.length ?? 0;
    const sentMs = Math.max(performance.now(), this.#lineFreeMs) + (sizeBytes / bytesPerSecond) * 1000;
    const delayMs = Math.max(0, latencyMs + jitterMs * (2 * random() - 1));
    this.#lineFreeMs = sentMs;
    this.#queue.push({ dueMs: sentMs + delayMs, data });
    this.#queuedBytes += sizeBytes;
  }

  #pump(): void {
    if (this.#timer !== undefined || this.#poll !== undefined) return;
    let sent = 0;
    while (!this.#blocked && !this.#closed) {
      const piece = this.#queue[sent];
      if (piece === undefined) break;
      const waitMs = piece.dueMs - performance.now();
      if (waitMs > 0 && waitMs < TIMER_MS) {
        this.#poll = setImmediate(() => {
          this.#poll = undefined;
          this.#pump();
        });
        break;
      }
      if (waitMs > 0) {
        this.#timer = setTimeout(() => {
          this.#timer = undefined;
          this.#pump();
        }, Math.ceil(waitMs));
        break;
      }
      sent++;
      this.#forward(piece.data);
    }
    this.#queue.splice(0, sent);
    if (this.#queuedBytes <= QUEUED_BYTES_MAX && this.#from.isPaused()) this.#from.resume();
  }

  #forward(data: Buffer | null): void {
    if (data === null) {
      this.#to.end();
      return;
    }
    this.#queuedBytes -= data.length;
    if (data.length < this.budgetBytes) {
      this.budgetBytes -= data.length;
      this.#blocked = !this.#to.write(data);
      return;
    }
    // The receiver gets exactly its bytes and the end of the stream; then all is over.
    const last = data.subarray(0, this.budgetBytes);
    this.#closed = true;
    this.#to.end(last, this.#onBudgetSpent);
  }
}
