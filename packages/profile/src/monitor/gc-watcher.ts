/**
 * Who watches the collections of a thread: one observer for all monitors, since Node's cost is by collection and observer.
 * What is watched is watched for all of them at once, so each sees what any other sees. Pure but for what it is given.
 *
 *               purse is empty            paid, or somebody listens
 *     all watched ────────────> in turns ────────────> all watched
 *
 *   observer ─┬─> pauses of monitor A, its listeners
 *             ├─> pauses of monitor B, its listeners
 *             └─> the turn that is watched ─> reckoning
 *
 * A turn is what lies between two ticks of a timer, however late a busy event loop makes them. Its bounds know nothing of
 * collections: a turn that ended with one, or began some time after one, would be richer or poorer than others. What Node
 * has not told of a turn at its end it tells soon after, and when each collection began.
 */

import { GcBudget } from './gc-budget.ts';
import { GcPauses } from './gc-pauses.ts';
import { GcReckoning } from './gc-reckoning.ts';
import type { WatchedTurn } from './gc-reckoning.ts';
import type { GcKind } from './stats.ts';

/** Told of each pause. */
export type GcPauseListener = (kind: GcKind, durationMs: number) => void;

/** Something that goes on until it is stopped. */
export interface Running {
  stop(): void;
}

export interface GcObserver extends Running {
  /** Hands over at once what was seen and not yet told. */
  flush(): void;
}

/** What is needed of the machine. */
export interface GcHost {
  /** Monotonic, in milliseconds. */
  nowMs(): number;
  /** Begins to observe. `onPause` is given each pause and when it began, and `onTold` is called after some were. */
  observe(
    onPause: (kind: GcKind, durationMs: number, startMs: number) => void,
    onTold: () => void,
  ): GcObserver;
  /**
   * Calls `onTurn` about every `ms`, and `onSettled` each time soon after, when what was collected before `onTurn` can be
   * flushed. Does not keep the process alive.
   */
  everyTurn(ms: number, onTurn: () => void, onSettled: () => void): Running;
  /** From 0 up to 1, evenly. */
  random(): number;
}

/** What one monitor is told. */
export interface GcReader {
  readonly pauses: GcPauses;
  /** While there are any, every collection is watched. */
  readonly listeners: Set<GcPauseListener>;
}

/** As the default of a monitor's own ticks: in an idle process each costs about 150 µs. */
const TURN_MS = 20;

export class GcWatcher {
  readonly #host: GcHost;
  readonly #budget = new GcBudget();
  readonly #reckoning = new GcReckoning();
  readonly #readers = new Set<GcReader>();
  /** Where nothing is watched `undefined`. */
  #observer: GcObserver | undefined;
  #observedFromMs = 0;
  /** While there are turns. */
  #turns: Running | undefined;
  #frameTurns = 1;
  /** Of the frame. */
  #turn = 0;
  #watchedTurn = 0;
  #turnStartMs = 0;
  /** The turn under way, if it is watched. */
  #watched: WatchedTurn | undefined;
  /** The turn before, if it was, until all of it is told. */
  #closing: WatchedTurn | undefined;
  /** In turns that have ended. */
  #unwatchedMs = 0;

  constructor(host: GcHost) {
    this.#host = host;
  }

  /** The reader's first window begins with the first `clear` of its pauses. */
  join(): GcReader {
    // What was seen before is not for the one that comes.
    this.flush();
    const isFirst = this.#readers.size === 0;
    const reader: GcReader = {
      pauses: new GcPauses(this.#reckoning, (nowMs) => this.#unwatchedUntil(nowMs)),
      listeners: new Set(),
    };
    this.#readers.add(reader);
    if (isFirst) this.#begin();
    return reader;
  }

  /** May be called twice. */
  leave(reader: GcReader): void {
    this.#readers.delete(reader);
    if (this.#readers.size > 0) return;
    this.#endTurns();
    this.#stopObserver();
  }

  /** Tells at once what was seen and not yet told. Listeners may do anything in it, such as stop their monitor. */
  flush(): void {
    this.#observer?.flush();
  }

  /** To be called when a listener has come: all are watched from now on. */
  watchAll(): void {
    this.#endTurns();
    this.#startObserver();
  }

  #begin(): void {
    const nowMs = this.#host.nowMs();
    if (this.#budget.isOwing(nowMs)) this.#startTurns(nowMs, this.#budget.frameTurns(nowMs));
    else this.#startObserver();
  }

  #startTurns(nowMs: number, frameTurns: number): void {
    this.#reckoning.begin();
    this.#turns = this.#host.everyTurn(
      TURN_MS,
      () => this.#nextTurn(),
      () => this.#settle(),
    );
    this.#startFrame(frameTurns);
    this.#startTurn(nowMs);
    if (this.#watched === undefined) this.#stopObserver();
  }

  /** In the middle of one: of it counts what was seen, or the rate for as long as it went on. */
  #endTurns(): void {
    if (this.#turns === undefined) return;
    // Node may not have told all of it; and a listener that is told now might stop the last monitor in the midst of this.
    if (this.#closing !== undefined) this.#reckoning.drop(this.#closing);
    this.#closing = undefined;
    const nowMs = this.#host.nowMs();
    // Until the turn before is settled, this one is seen too.
    if (this.#observer === undefined) {
      this.#reckoning.pass(Math.min(1, Math.max(0, nowMs - this.#turnStartMs) / TURN_MS));
    }
    this.#unwatchedMs = this.#unwatchedUntil(nowMs);
    this.#stopTurns();
  }

  #stopTurns(): void {
    this.#watched = undefined;
    this.#turns?.stop();
    this.#turns = undefined;
  }

  #nextTurn(): void {
    const nowMs = this.#host.nowMs();
    this.#endTurn(nowMs);
    this.#turn++;
    if (this.#turn === this.#frameTurns) this.#startFrame(this.#budget.frameTurns(nowMs));
    this.#startTurn(nowMs);
  }

  #startFrame(turns: number): void {
    this.#reckoning.startFrame();
    this.#frameTurns = turns;
    this.#turn = 0;
    this.#watchedTurn = Math.floor(this.#host.random() * turns);
  }

  #startTurn(nowMs: number): void {
    this.#turnStartMs = nowMs;
    this.#watched = this.#turn === this.#watchedTurn ? this.#reckoning.watch(this.#frameTurns) : undefined;
    if (this.#watched !== undefined) this.#startObserver();
  }

  #endTurn(nowMs: number): void {
    this.#settleClosing();
    this.#unwatchedMs = this.#unwatchedUntil(nowMs);
    this.#turnStartMs = nowMs;
    this.#reckoning.pass();
    this.#closing = this.#watched;
    this.#watched = undefined;
  }

  #settle(): void {
    this.#settleClosing();
    if (this.#watched === undefined) this.#stopObserver();
    else if (this.#frameTurns === 1 && !this.#budget.isOwing(this.#host.nowMs())) {
      // A frame of one turn counts as it is seen, whether it ends or not.
      this.#stopTurns();
    }
  }

  #settleClosing(): void {
    if (this.#closing === undefined) return;
    this.flush();
    this.#reckoning.correct(this.#closing);
    this.#closing = undefined;
  }

  /** Since the thread began. A clock that went back adds nothing. */
  #unwatchedUntil(nowMs: number): number {
    const isWatched = this.#turns === undefined || this.#watched !== undefined;
    return this.#unwatchedMs + (isWatched ? 0 : Math.max(0, nowMs - this.#turnStartMs));
  }

  #startObserver(): void {
    if (this.#observer !== undefined) return;
    this.#observedFromMs = this.#host.nowMs();
    this.#observer = this.#host.observe(
      (kind, durationMs, startMs) => this.#tell(kind, durationMs, startMs),
      () => this.#told(),
    );
  }

  #stopObserver(): void {
    this.#observer?.stop();
    this.#observer = undefined;
  }

  #tell(kind: GcKind, durationMs: number, startMs: number): void {
    // A listener has stopped the last monitor, and more of the same batch comes.
    if (this.#readers.size === 0) return;
    // With a listener all are watched, whatever they cost, and the purse stays whole for when it has gone.
    if (!this.#isListenedTo()) this.#budget.spend();
    // Somebody else observes too, and Node tells all what it had not told.
    if (startMs < this.#observedFromMs) return;
    if (this.#turns !== undefined) {
      const isLate = startMs < this.#turnStartMs;
      // Seen only because the turn before is being closed.
      if (!isLate && this.#watched === undefined) return;
      (isLate ? this.#closing : this.#watched)?.add(kind, durationMs);
    }
    for (const { pauses, listeners } of this.#readers) {
      pauses.add(kind, durationMs);
      for (const listener of listeners) listener(kind, durationMs);
    }
  }

  #told(): void {
    if (this.#observer === undefined || this.#turns !== undefined || this.#isListenedTo()) return;
    const nowMs = this.#host.nowMs();
    // What is left of this turn is watched: it is no frame's.
    if (this.#budget.isOwing(nowMs)) this.#startTurns(nowMs, 1);
  }

  #isListenedTo(): boolean {
    for (const { listeners } of this.#readers) if (listeners.size > 0) return true;
    return false;
  }
}
