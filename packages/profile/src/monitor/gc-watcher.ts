/**
 * Who watches the collections of a thread: one recorder for all monitors, since what it costs is by collection and recorder.
 * What is watched is watched for all of them at once, so each sees what any other sees. Pure but for what it is given.
 *
 *               purse is empty            paid, or somebody listens
 *     all watched ────────────> in turns ────────────> all watched
 *
 *   recorder ─┬─> pauses of monitor A, its listeners
 *             ├─> pauses of monitor B, its listeners
 *             └─> the turn that is watched ─> reckoning
 *
 * A turn is what lies between two ticks of a timer, however late a busy event loop makes them. Its bounds know nothing of
 * collections: a turn that ended with one, or began some time after one, would be richer or poorer than others. What the
 * recorder has seen is told when it is asked: at the end of a turn that is watched, and where all are, now and then.
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

export interface GcPause {
  readonly kind: GcKind;
  readonly durationMs: number;
}

/** What is needed of the machine. */
export interface GcHost {
  /** Monotonic, in milliseconds. */
  nowMs(): number;
  /** Sees collections until it is stopped, and then tells them. */
  record(): { stop(): readonly GcPause[] };
  /** Calls back about every `ms`, without keeping the process alive. */
  every(ms: number, callback: () => void): Running;
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
/** While all are watched: how long a burst may last until the purse knows, and a listener waits at most. */
const LOOK_MS = 200;

export class GcWatcher {
  readonly #host: GcHost;
  readonly #budget = new GcBudget();
  readonly #reckoning = new GcReckoning();
  readonly #readers = new Set<GcReader>();
  /** Where nothing is watched `undefined`. */
  #recorder: ReturnType<GcHost['record']> | undefined;
  /** Looks where all are watched, or turns. */
  #timer: Running | undefined;
  #isInTurns = false;
  #frameTurns = 1;
  /** Of the frame. */
  #turn = 0;
  #watchedTurn = 0;
  #turnStartMs = 0;
  /** The turn under way, if it is watched. */
  #watched: WatchedTurn | undefined;
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
    this.#timer?.stop();
    this.#timer = undefined;
    this.#stopRecorder();
  }

  /** Tells at once what was seen and not yet told. Listeners may do anything in it, such as stop their monitor. */
  flush(): void {
    if (this.#recorder === undefined) return;
    const pauses = this.#recorder.stop();
    this.#recorder = this.#host.record();
    this.#tell(pauses);
    if (this.#isInTurns || this.#readers.size === 0 || this.#isListenedTo()) return;
    const nowMs = this.#host.nowMs();
    // What is left of this turn is watched: it is no frame's.
    if (this.#budget.isOwing(nowMs)) this.#startTurns(nowMs, 1);
  }

  /** To be called when a listener has come: all are watched from now on. */
  watchAll(): void {
    if (!this.#isInTurns) return;
    this.#endTurns();
    this.#startLooks();
  }

  #begin(): void {
    const nowMs = this.#host.nowMs();
    if (this.#budget.isOwing(nowMs)) this.#startTurns(nowMs, this.#budget.frameTurns(nowMs));
    else this.#startLooks();
  }

  #startLooks(): void {
    this.#every(LOOK_MS, () => this.flush());
    this.#recorder ??= this.#host.record();
  }

  #startTurns(nowMs: number, frameTurns: number): void {
    this.#isInTurns = true;
    this.#reckoning.begin();
    this.#every(TURN_MS, () => this.#nextTurn());
    this.#startFrame(frameTurns);
    this.#startTurn(nowMs);
  }

  #every(ms: number, callback: () => void): void {
    this.#timer?.stop();
    this.#timer = this.#host.every(ms, callback);
  }

  /** In the middle of one: of it counts what was seen, or the rate for as long as it went on. */
  #endTurns(): void {
    if (!this.#isInTurns) return;
    const nowMs = this.#host.nowMs();
    if (this.#watched === undefined) {
      this.#reckoning.pass(Math.min(1, Math.max(0, nowMs - this.#turnStartMs) / TURN_MS));
    }
    this.#unwatchedMs = this.#unwatchedUntil(nowMs);
    this.#watched = undefined;
    this.#isInTurns = false;
  }

  #nextTurn(): void {
    const nowMs = this.#host.nowMs();
    this.#endTurn(nowMs);
    this.#turn++;
    if (this.#turn === this.#frameTurns) this.#startFrame(this.#budget.frameTurns(nowMs));
    if (this.#frameTurns === 1 && !this.#budget.isOwing(nowMs)) {
      this.#isInTurns = false;
      this.#startLooks();
    } else this.#startTurn(nowMs);
  }

  #startFrame(turns: number): void {
    this.#reckoning.startFrame();
    this.#frameTurns = turns;
    this.#turn = 0;
    this.#watchedTurn = Math.floor(this.#host.random() * turns);
  }

  #startTurn(nowMs: number): void {
    this.#turnStartMs = nowMs;
    if (this.#turn === this.#watchedTurn) {
      this.#watched = this.#reckoning.watch(this.#frameTurns);
      this.#recorder ??= this.#host.record();
    } else this.#stopRecorder();
  }

  #endTurn(nowMs: number): void {
    this.#unwatchedMs = this.#unwatchedUntil(nowMs);
    this.#turnStartMs = nowMs;
    this.#reckoning.pass();
    if (this.#watched === undefined) return;
    this.#tell(this.#stopRecorder());
    this.#reckoning.correct(this.#watched);
    this.#watched = undefined;
  }

  /** Since the thread began. A clock that went back adds nothing. */
  #unwatchedUntil(nowMs: number): number {
    const isWatched = !this.#isInTurns || this.#watched !== undefined;
    return this.#unwatchedMs + (isWatched ? 0 : Math.max(0, nowMs - this.#turnStartMs));
  }

  #stopRecorder(): readonly GcPause[] {
    const pauses = this.#recorder?.stop() ?? [];
    this.#recorder = undefined;
    return pauses;
  }

  #tell(pauses: readonly GcPause[]): void {
    const readers = [...this.#readers];
    for (const { kind, durationMs } of pauses) {
      // A listener may stop its monitor, and others.
      if (this.#readers.size === 0) return;
      // With a listener all are watched, whatever they cost, and the purse stays whole for when it has gone.
      if (!this.#isListenedTo()) this.#budget.spend();
      this.#watched?.add(kind, durationMs);
      for (const reader of readers) {
        if (!this.#readers.has(reader)) continue;
        reader.pauses.add(kind, durationMs);
        for (const listener of reader.listeners) listener(kind, durationMs);
      }
    }
  }

  #isListenedTo(): boolean {
    for (const { listeners } of this.#readers) if (listeners.size > 0) return true;
    return false;
  }
}
