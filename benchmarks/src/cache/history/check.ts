import { type Floor, floorAt, type Floors, floorsOf, grouped, Overtaken, type Step } from './floors.ts';
import type { Reach, ReadRecord, Records } from './protocol.ts';
import { freeFrom, merged, type Window, windowAt, type Windows } from './windows.ts';

/** After a stall, how long timers and sockets that were due in it may still be waiting for their turn, in ms. */
const STALL_TAIL_MS = 20;
/** How late memory may notice the end of a life, in ms: its clock is read every 5 ms, and timers are late by less than a stall. */
const EXPIRY_LATE_MS = 30;

/** Why a read should have seen more. */
export type Rule =
  /** Its own process had invalidated, in whatever way. */
  | 'own'
  /** An invalidation had been confirmed in all processes. */
  | 'confirmed'
  /** Its process had heard of an invalidation. */
  | 'heard'
  /** An invalidation had said `done`, and its process, undisturbed, had had time enough to hear of it. */
  | 'told'
  /** An invalidation had said `done`, and its process, cut off, served what was before it for longer than the capped life. */
  | 'capped';

/** A read that saw less than was allowed. */
export interface StaleRead {
  readonly rule: Rule;
  readonly worker: number;
  readonly key: number;
  readonly saw: number;
  /** The least that it might have seen. */
  readonly expected: number;
  /** How long after that it began, in ms. */
  readonly lateMs: number;
}

/** What one process did in one life. */
export interface WorkerHistory extends Records {
  readonly worker: number;
  readonly startedAt: number;
  /** What was done to its connections. After a cut nothing is certain until messages arrive again. */
  readonly faults: readonly { readonly from: number; readonly to: number; readonly isCut: boolean }[];
}

/** What is asked of a history, beside what holds for all. */
export interface CheckOptions {
  /** When the process that injects the faults, and is the wire, stood still. */
  readonly stalls?: readonly Window[];
  /** How long memory keeps a value in a process that is cut off, in ms; not checked by default. */
  readonly capMs?: number;
  /** When an undisturbed process has heard what was told, in ms; not checked by default. */
  readonly boundMs?: number;
  /** Takes the largest time seen for the bound, if that is longer: for machines that are busy. */
  readonly takesLargest?: boolean;
}

/** What became of a check. */
export interface CheckReport {
  readonly stale: readonly StaleRead[];
  /** From `done` to being heard, in undisturbed processes, in ms, the shortest first. */
  readonly heardAfterMs: readonly number[];
  /** What was taken for the bound, in ms; 0 when it was not checked. */
  readonly boundMs: number;
  /** Reads that had to answer to `told` and to `capped`. */
  readonly undisturbedCount: number;
  readonly cutOffCount: number;
}

/** What holds for all processes. */
interface World {
  readonly told: readonly Step[];
  readonly confirmed: Floors;
  readonly overtaken: Overtaken;
  readonly capMs: number | undefined;
}

/** When the messages of others do not arrive, by the process's own account. */
function downOf({ startedAt, bus }: WorkerHistory): Windows {
  const windows: Window[] = [];
  let downAt: number | undefined = startedAt;
  for (const [at, isUp] of bus) {
    if (!isUp) downAt ??= at;
    else if (downAt !== undefined) {
      windows.push([downAt, at]);
      downAt = undefined;
    }
  }
  if (downAt !== undefined) windows.push([downAt, Infinity]);
  return windows;
}

/**
 * When a value that had been overtaken at a moment can have entered memory at the latest: with the end of a read of it that
 * had begun by then, since what begins later finds it in no level.
 */
function enteredBy(reads: readonly ReadRecord[], moment: number): number {
  let latest = moment;
  for (const [beganAt, , , endedAt] of reads) if (beganAt <= moment) latest = Math.max(latest, endedAt);
  return latest;
}

/** One life of a process, and when it can be asked for what. */
class Life {
  readonly #history: WorkerHistory;
  readonly #down: Windows;
  readonly #stalls: Windows;
  readonly #disturbances: Windows;
  undisturbedCount = 0;
  cutOffCount = 0;

  constructor(history: WorkerHistory, wireStalls: readonly Window[]) {
    this.#history = history;
    this.#down = downOf(history);
    this.#stalls = merged(
      [...history.stalls, ...wireStalls].map(([from, to]) => [from, to + STALL_TAIL_MS] as const),
    );
    const ups = history.bus.filter(([, isUp]) => isUp);
    const faults = history.faults.map(({ from, to, isCut }): Window => [
      from,
      isCut ? (ups.find(([at]) => at > to)?.[0] ?? Infinity) : to,
    ]);
    this.#disturbances = merged([...faults, ...this.#down, ...this.#stalls]);
  }

  /** For how long it had been undisturbed since each `done` when it heard of it. */
  heardAfter(doneAt: ReadonlyMap<string, number>): number[] {
    const times: number[] = [];
    for (const [at, key, version] of this.#history.heard) {
      const done = doneAt.get(nameOf(key, version));
      if (done === undefined) continue;
      const from = freeFrom(this.#disturbances, done, 0);
      // Heard in a disturbance, or with one in between: that says nothing.
      if (from > Math.max(at, done) || freeFrom(this.#disturbances, from, at - from) > from) continue;
      times.push(Math.max(0, at - from));
    }
    return times;
  }

  staleReads({ told, confirmed, overtaken, capMs }: World, boundMs: number | undefined): StaleRead[] {
    const { worker, reads, writes, heard } = this.#history;
    const own = floorsOf(writes.map(([at, key, version]) => [at, key, version]));
    const known = floorsOf(heard);
    const due = boundMs === undefined ? undefined : this.#due(told, boundMs);
    const readsOf = grouped(reads, ([, key, version]) => nameOf(key, version));
    const stale: StaleRead[] = [];
    for (const [beganAt, key, saw] of reads) {
      const floors: readonly (readonly [rule: Rule, floor: Floor | undefined])[] = [
        ['own', floorAt(own, key, beganAt)],
        ['confirmed', floorAt(confirmed, key, beganAt)],
        ['heard', floorAt(known, key, beganAt)],
        ['told', due === undefined ? undefined : this.#dueAt(due, key, beganAt)],
        [
          'capped',
          capMs === undefined
            ? undefined
            : this.#cappedAt(beganAt, overtaken.of(key, saw), readsOf.get(nameOf(key, saw))!, capMs),
        ],
      ];
      for (const [rule, floor] of floors) {
        if (floor === undefined || saw >= floor.version) continue;
        stale.push({ rule, worker, key, saw, expected: floor.version, lateMs: beganAt - floor.at });
        break;
      }
    }
    return stale;
  }

  /** When it has to have heard of each. */
  #due(told: readonly Step[], boundMs: number): Floors {
    return floorsOf(
      told.map(([at, key, version]) => [freeFrom(this.#disturbances, at, boundMs) + boundMs, key, version]),
    );
  }

  #dueAt(due: Floors, key: number, beganAt: number): Floor | undefined {
    if (windowAt(this.#disturbances, beganAt) !== undefined) return undefined;
    this.undisturbedCount++;
    return floorAt(due, key, beganAt);
  }

  /** `since` is what came after the value that was read, of which `reads` are all. */
  #cappedAt(
    beganAt: number,
    since: Floor | undefined,
    reads: readonly ReadRecord[],
    capMs: number,
  ): Floor | undefined {
    const cut = windowAt(this.#down, beganAt);
    if (cut === undefined || windowAt(this.#stalls, beganAt) !== undefined) return undefined;
    this.cutOffCount++;
    if (since === undefined || since.at > beganAt) return undefined;
    const at = Math.max(cut[0], enteredBy(reads, since.at)) + capMs + EXPIRY_LATE_MS;
    return at < beganAt ? { at, version: since.version } : undefined;
  }
}

function nameOf(key: number, version: number): string {
  return `${key}#${version}`;
}

function writesOf(histories: readonly WorkerHistory[], ...reaches: readonly Reach[]): Step[] {
  return histories.flatMap(({ writes }) =>
    writes
      .filter(([, , , reach]) => reaches.includes(reach))
      .map(([at, key, version]): Step => [at, key, version]),
  );
}

/** Every read against what was allowed: see {@link Rule}. */
export function check(histories: readonly WorkerHistory[], options: CheckOptions = {}): CheckReport {
  const { capMs, boundMs: least, takesLargest = false, stalls = [] } = options;
  const told = writesOf(histories, 'told', 'all');
  const world: World = {
    told,
    confirmed: floorsOf(writesOf(histories, 'all')),
    overtaken: new Overtaken(told),
    capMs,
  };
  const doneAt = new Map(told.map(([at, key, version]) => [nameOf(key, version), at]));
  const lives = histories.map((history) => new Life(history, stalls));
  const heardAfterMs = lives.flatMap((life) => life.heardAfter(doneAt)).sort((a, b) => a - b);
  const largest = takesLargest ? (heardAfterMs.at(-1) ?? 0) : 0;
  const boundMs = least === undefined ? undefined : Math.max(least, largest);
  return {
    stale: lives.flatMap((life) => life.staleReads(world, boundMs)),
    heardAfterMs,
    boundMs: boundMs ?? 0,
    undisturbedCount: lives.reduce((sum, life) => sum + life.undisturbedCount, 0),
    cutOffCount: lives.reduce((sum, life) => sum + life.cutOffCount, 0),
  };
}
