/** Pauses of the garbage collector, summed by kind. Pure. */

import type { GcKind, GcKindStats, GcStats } from './stats.ts';

/** `count`, `pauseMsTotal` and `pauseMsMax`, as they grow. */
class Pauses {
  count = 0;
  totalMs = 0;
  maxMs = 0;

  add(durationMs: number): void {
    this.count++;
    this.totalMs += durationMs;
    if (durationMs > this.maxMs) this.maxMs = durationMs;
  }

  snapshot(): GcKindStats {
    return { count: this.count, pauseMsTotal: this.totalMs, pauseMsMax: this.maxMs };
  }
}

export class GcPauses {
  #all = new Pauses();
  #byKind = emptyKinds();

  add(kind: GcKind, durationMs: number): void {
    this.#all.add(durationMs);
    this.#byKind[kind].add(durationMs);
  }

  snapshot(windowMs: number): GcStats {
    const { minor, major, incremental, weakcb } = this.#byKind;
    return {
      ...this.#all.snapshot(),
      // A pause is told when it has ended, so one that began in the window before can be longer than this window.
      pauseShare: windowMs > 0 ? Math.min(1, this.#all.totalMs / windowMs) : 0,
      byKind: {
        minor: minor.snapshot(),
        major: major.snapshot(),
        incremental: incremental.snapshot(),
        weakcb: weakcb.snapshot(),
      },
    };
  }

  clear(): void {
    this.#all = new Pauses();
    this.#byKind = emptyKinds();
  }
}

function emptyKinds(): Record<GcKind, Pauses> {
  return { minor: new Pauses(), major: new Pauses(), incremental: new Pauses(), weakcb: new Pauses() };
}
