import type { Connection } from './connection.ts';
import { Probe } from './probe.ts';

/**
 * Statements in flight on one lane. By then the server has enough to do that more only wait there; beyond, they wait in the pool,
 * where other connections may take them.
 */
export const LANE_DEPTH = 100;

/**
 * A lane that has answered nothing for this long besides the way, in milliseconds, is taken to be behind a slow statement: what comes
 * goes elsewhere. Point queries take a fraction of one.
 */
const STALE_AFTER_MS = 10;

/**
 * The connections that several statements share: those that carry nothing but reads, pipelined. A connection becomes a lane with
 * the first read that it is given, and is an ordinary one again when the last has been answered.
 */
export class Lanes {
  /** Most lanes at a time. */
  readonly max: number;
  readonly #open: Connection[] = [];

  constructor(max: number) {
    this.max = max;
  }

  get count(): number {
    return this.#open.length;
  }

  /** Takes a connection that nothing is in flight on. */
  add(connection: Connection, now: number): void {
    this.#open.push(connection);
    if (connection.pace.roundTrip.due(now)) connection.pipeline(new Probe());
  }

  delete(connection: Connection): void {
    const index = this.#open.indexOf(connection);
    if (index >= 0) this.#open.splice(index, 1);
  }

  /** The lane with the least in flight, of those that have room, are answering, and need not end. */
  pick(now: number): Connection | undefined {
    let best: Connection | undefined;
    let least = LANE_DEPTH;
    for (const lane of this.#open) {
      const { inFlight } = lane;
      if (inFlight < least && !lane.pace.overdue(now, STALE_AFTER_MS) && now < lane.expiresAt) {
        best = lane;
        least = inFlight;
      }
    }
    return best;
  }
}
