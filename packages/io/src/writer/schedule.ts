import type { WriteTime } from './flush-policy.ts';
import { backoffMs } from './partial-write.ts';

/** When a pump goes on by itself: after a linger, at the end of a turn, or when a full descriptor is tried again. */
export class Schedule {
  readonly #lingerMs: number;
  readonly #onTime: () => void;
  #timer: NodeJS.Timeout | undefined;
  #immediate: NodeJS.Immediate | undefined;
  /** Attempts in a row that the descriptor took nothing. */
  #attempt = 0;

  constructor(lingerMs: number, onTime: () => void) {
    this.#lingerMs = lingerMs;
    this.#onTime = onTime;
  }

  start(time: Exclude<WriteTime, 'now'>): void {
    // Not unref'd, on purpose: a process that ended here would lose the bytes.
    if (time === 'turn') this.#immediate = setImmediate(this.#onTime);
    else if (time === 'linger') this.#timer = setTimeout(this.#onTime, this.#lingerMs);
  }

  /** The descriptor took nothing: again after a wait that grows. */
  startBackoff(): void {
    this.#timer = setTimeout(this.#onTime, this.nextBackoffMs());
  }

  /** The wait itself, for those who block. */
  nextBackoffMs(): number {
    return backoffMs(this.#attempt++);
  }

  /** The descriptor took something. */
  progressed(): void {
    this.#attempt = 0;
  }

  clear(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#immediate);
    this.#timer = undefined;
    this.#immediate = undefined;
  }
}
