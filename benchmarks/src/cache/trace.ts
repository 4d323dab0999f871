import { createRandom } from '../workloads/random.ts';

/** What a trace is made of. */
export interface TraceShape {
  readonly requests: number;
  /** Keys that are asked for again and again, with a popularity of 1 ÷ rank^`skew`. */
  readonly keys: number;
  readonly skew: number;
  /** Every n-th request is for a key that comes by once; 0 for none. */
  readonly scanEvery: number;
}

/** The keys that are asked for, in order. */
export function traceOf(seed: number, shape: TraceShape): readonly string[] {
  const next = createRandom(seed);
  const cumulative = new Float64Array(shape.keys);
  let sum = 0;
  for (let rank = 0; rank < shape.keys; rank++) cumulative[rank] = sum += (rank + 1) ** -shape.skew;
  return Array.from({ length: shape.requests }, (_, index) => {
    if (shape.scanEvery > 0 && index % shape.scanEvery === shape.scanEvery - 1) return `scan:${index}`;
    const at = next() * sum;
    let [low, high] = [0, shape.keys - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (cumulative[middle]! < at) low = middle + 1;
      else high = middle;
    }
    return `key:${low}`;
  });
}
