/**
 * Where a pump stands.
 *
 * ```
 *           ┌──────────────── retry ────────────────┐
 *           ▼                                       │
 *  ──►   idle  ──►  writing  ──►  backoff  ──►   failed
 *         ▲ │  ◄──────┘ │  ◄────────┘ │  (any of the three fails)
 *         │ │           └── full pipe ┘
 *         │ └──►  closing  ──►  closed          (idle, backoff and failed may close)
 * ```
 * `writing` exists in async mode alone: a call is under way on the thread pool and the descriptor must stay open.
 * `backoff`: a non-blocking descriptor is full and a timer runs. `failed`: the next byte was refused; `retry()` or the end.
 */
export type PumpState = 'idle' | 'writing' | 'backoff' | 'failed' | 'closing' | 'closed';

const NEXT: Readonly<Record<PumpState, readonly PumpState[]>> = {
  idle: ['writing', 'backoff', 'failed', 'closing'],
  writing: ['idle', 'backoff', 'failed'],
  backoff: ['idle', 'failed', 'closing'],
  failed: ['idle', 'writing', 'closing'],
  closing: ['closed'],
  closed: [],
};

/** Whether one state may follow another at once. */
export function mayFollow(from: PumpState, to: PumpState): boolean {
  return NEXT[from].includes(to);
}
