import { setTimeout as delay } from 'node:timers/promises';
import { ProfileTimeoutError } from '../errors.ts';
import { abortable } from '../heap/run.ts';
import { openSession } from '../session.ts';
import { sourcePlaces } from '../source-maps/source-places.ts';
import { CpuProfile } from './cpu-profile.ts';
import { resolveCpuOptions, resolveTarget } from './options.ts';
import type { CpuOptions, CpuWindow, ResolvedCpuOptions } from './options.ts';
import type { V8CpuProfile } from './v8-profile.ts';

/** A window ends with its own timer; the limit is for functions, and only has to come after it. */
const WINDOW_GRACE_MS = 60_000;

/**
 * Samples this thread's stacks while a function runs, until what it returns has settled, or for a window of time. One
 * profile at a time a thread; the session with V8 is closed on every path.
 *
 * Stacks are as V8 sees them: what runs after an `await` stands under the event loop, not under who called it, since
 * V8's sampler knows no async callers; and of stacks deeper than 255 calls it sees the innermost 255.
 *
 * @throws what the function throws or rejects with; the profile is then lost.
 * @throws {ProfileTimeoutError} the function's promise did not settle within `timeoutMs`; the error has the profile.
 * @throws {ProfilerBusyError} this thread is already being profiled by this package.
 * @throws {InspectorUnavailableError} this Node has no inspector, or it refused.
 * @throws {ArgumentTypeError} the target or an option has the wrong type.
 * @throws {ArgumentRangeError} a number is fractional or out of its range.
 *
 * @example
 * ```ts
 * const profile = await cpu(() => handle(request));
 * console.table(profile.top(10));
 * await writeFile('flame.svg', profile.flameGraph());
 * ```
 */
export function cpu<Value>(
  target: () => Value | PromiseLike<Value>,
  options?: CpuOptions,
): Promise<CpuProfile<Value>>;
export function cpu(target: CpuWindow, options?: CpuOptions): Promise<CpuProfile>;
export async function cpu(
  target: CpuWindow | (() => unknown),
  options?: CpuOptions,
): Promise<CpuProfile<unknown>> {
  const durationMs = resolveTarget(target);
  const resolved = resolveCpuOptions(options);
  resolved.signal?.throwIfAborted();
  if (durationMs !== undefined) {
    const { signal } = resolved;
    const pause = () => delay(durationMs, undefined, signal === undefined ? {} : { signal });
    return sample(resolved, pause, durationMs + WINDOW_GRACE_MS);
  }
  return sample(resolved, target as () => unknown, resolved.timeoutMs);
}

async function sample(
  { intervalUs, signal, sourceMaps }: ResolvedCpuOptions,
  run: () => unknown,
  limitMs: number,
): Promise<CpuProfile<unknown>> {
  const session = openSession('cpu');
  let cpuprofile: V8CpuProfile;
  let value: unknown;
  try {
    session.post('Profiler.enable');
    session.post('Profiler.setSamplingInterval', { interval: intervalUs });
    session.post('Profiler.start');
    value = await within(limitMs, run, signal);
    cpuprofile = session.post('Profiler.stop')['profile'] as V8CpuProfile;
  } finally {
    session.close();
  }
  const frames = sourceMaps ? cpuprofile.nodes.map(({ callFrame }) => callFrame) : [];
  const places = await sourcePlaces(frames);
  if (value !== LATE) return new CpuProfile(value, cpuprofile, places);
  throw new ProfileTimeoutError(
    `cpu: the function did not settle within timeoutMs, ${limitMs} ms`,
    new CpuProfile(undefined, cpuprofile, places),
  );
}

const LATE = Symbol('late');

/** What `run` gives, or {@link LATE} where that takes too long: its promise is then left alone. */
async function within(
  limitMs: number,
  run: () => unknown,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<typeof LATE>((resolve) => {
    timer = setTimeout(resolve, limitMs, LATE);
  });
  try {
    return await abortable(Promise.race([run(), late]), signal);
  } finally {
    clearTimeout(timer);
  }
}
