/**
 * A block: `n` operations in a row, timed once. It runs inside the measuring process.
 *
 * A timer call costs about as much as the smallest operation measured here, so operations are never timed one by one
 * below a microsecond. Loops made from equal source share V8's type feedback, hence the unique id in each; what an
 * operation returns is stored in `sink`, where the optimiser must assume that somebody reads it.
 */

const now = (): number => performance.now();

/** Where every result goes. A property of an exported object cannot be proven dead. */
export const sink: { value: unknown } = { value: undefined };

export type Loop = (count: number) => void | Promise<void>;

let loops = 0;

/** Compiles the loop for one operation. */
export function createLoop(run: () => unknown, isAsync: boolean): Loop {
  const id = `${process.pid}_${++loops}`;
  const source = isAsync
    ? `return async function block_${id}(count) { for (let i = 0; i < count; i++) sink.value = await run(); }`
    : `return function block_${id}(count) { for (let i = 0; i < count; i++) sink.value = run(); }`;
  // eslint-disable-next-line no-implied-eval -- the source is ours; a fresh function is the point
  return new Function('run', 'sink', source)(run, sink) as Loop;
}

/** Milliseconds that `count` operations took. */
export async function timeBlock(loop: Loop, count: number): Promise<number> {
  const start = now();
  const pending = loop(count);
  if (pending !== undefined) await pending;
  return now() - start;
}

/** How long calibration may go on before it takes the block as it is, milliseconds. */
const CALIBRATION_LIMIT_MS = 5000;
/** A block this close to its target is long enough. */
const CLOSE_ENOUGH = 0.7;
/** Warm-up goes on until so many blocks in a row have not been faster than any before by more than this share … */
const STILL_FASTER = 0.05;
const SETTLED_BLOCKS = 3;
/** … but at most so many times as long as asked for. */
const LONGEST_WARMUP = 6;

/**
 * Warms the loop for at least `warmupMs` and `fewestOperations`, longer while it still gets faster, and finds how many
 * operations fill `blockMs`. An operation longer than the block gives a count of 1.
 */
export async function calibrate(
  loop: Loop,
  blockMs: number,
  warmupMs: number,
  fewestOperations: number = 0,
): Promise<{ iterations: number; nsPerOp: number }> {
  const start = now();
  let iterations = 1;
  let fastest = Number.POSITIVE_INFINITY;
  let settled = 0;
  let operations = 0;
  for (;;) {
    const elapsed = await timeBlock(loop, iterations);
    const msPerOp = elapsed / iterations;
    operations += iterations;
    const spent = now() - start;
    const longEnough = elapsed >= CLOSE_ENOUGH * blockMs;
    settled = msPerOp >= (1 - STILL_FASTER) * fastest ? settled + 1 : 0;
    fastest = Math.min(fastest, msPerOp);
    const warm =
      operations >= fewestOperations &&
      spent >= (settled >= SETTLED_BLOCKS ? warmupMs : LONGEST_WARMUP * warmupMs);
    if (spent > CALIBRATION_LIMIT_MS || (longEnough && warm)) {
      const fitting = Math.max(1, Math.round(blockMs / Math.max(msPerOp, 1e-6)));
      return { iterations: longEnough ? fitting : iterations, nsPerOp: msPerOp * 1e6 };
    }
    if (!longEnough) {
      const wanted = Math.ceil(blockMs / Math.max(msPerOp, 1e-6));
      iterations = Math.max(iterations + 1, Math.min(iterations * 4, wanted));
    }
  }
}
