/**
 * How a block of a shared pool crosses threads. The pool keeps control words in the heap:
 *
 * ```
 * word 0     head: 1 + index of the block that was released last, 0 for none
 * word 1     wake: raised at each release, for the owner to wait on
 * word 2+2i  state of block i: generation << 2 | status
 * word 3+2i  next: 1 + index of the block released before i, 0 for none
 *
 *            share            receiveLease         release             collect
 *   home ───────────▶ inTransit ─────────▶ remote ─────────▶ returned ─────────▶ home
 *                        ▲                    │ share
 *                        └────────────────────┘ generation + 1
 * ```
 *
 * Each arrow is one compare-and-exchange of the state with its generation, so of two threads that received the same
 * descriptor, or of two releases, one fails. Released blocks form a stack that any thread pushes on and only the owner
 * empties, all at once, which is why it has no ABA problem.
 */
export const HEAD = 0;
export const WAKE = 1;

export const STATUS = { home: 0, inTransit: 1, remote: 2, returned: 3 } as const;

/** Number of control words of a pool of `blockCount` blocks. */
export function controlWords(blockCount: number): number {
  return 2 + 2 * blockCount;
}

export function stateOf(blockIndex: number): number {
  return 2 + 2 * blockIndex;
}

export function nextOf(blockIndex: number): number {
  return 3 + 2 * blockIndex;
}

export function toState(generation: number, status: number): number {
  return (generation << 2) | status;
}
