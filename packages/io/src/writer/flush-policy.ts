import type { ResolvedWriterOptions } from './options.ts';

/** When the next write is to start: at once, at the end of this turn of the event loop, after the linger, or not yet. */
export type WriteTime = 'now' | 'turn' | 'linger' | 'unscheduled';

/** The part of the options that decides. */
export type FlushPolicy = Pick<ResolvedWriterOptions, 'flushBytes' | 'lingerMs'>;

/**
 * Decides when a free descriptor is written to.
 *
 * Coalescing pays as long as nobody waits for the bytes: a call of write(2) costs the same few microseconds for one
 * line and for a thousand. So bytes linger until there are enough of them, their time is up, or somebody asks.
 *
 * @param bufferedBytes bytes that no write has taken yet
 * @param awaited whether a flush, a close, a reopening or a stalled producer waits for progress
 */
export function timeOfWrite(bufferedBytes: number, awaited: boolean, policy: FlushPolicy): WriteTime {
  if (awaited || bufferedBytes >= policy.flushBytes) return 'now';
  if (bufferedBytes === 0 || policy.lingerMs === Infinity) return 'unscheduled';
  return policy.lingerMs === 0 ? 'turn' : 'linger';
}

/** Longest rope of text that is kept unencoded; longer ones only made garbage collections slower (10–30 ms at 64 KB). */
export const ROPE_UNITS = 8192;

/**
 * UTF-16 units that may still gather before the text must be encoded and the bytes counted again; 1 or more. Where there
 * is enough for a write already one is under way, and to encode each line at once would only cost twice as much.
 */
export function ropeLimitUnits(bufferedBytes: number, policy: FlushPolicy): number {
  const restBytes = policy.flushBytes - bufferedBytes;
  return restBytes > 0 ? Math.min(ROPE_UNITS, restBytes) : ROPE_UNITS;
}
