/**
 * Pause before the next attempt, in milliseconds: doubles from `minMs` up to `maxMs`, less a random part of up to half,
 * so that clients that failed together do not come back together ("equal jitter",
 * https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
 */
export function backoffMs(failures: number, minMs: number, maxMs: number, random: () => number): number {
  // 2 ** 30 keeps the product finite; every limit is reached long before.
  const full = Math.min(maxMs, minMs * 2 ** Math.min(30, Math.max(0, failures - 1)));
  return full - (full / 2) * random();
}
