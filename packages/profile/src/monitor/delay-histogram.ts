/**
 * Counts of durations in buckets of constant relative width, after HdrHistogram. Pure.
 *
 *   exact, 1 µs each          32 buckets an octave, each at most 1/32 wide
 *   ├─ 0 … 63 ─┼─ 64 … 127 ─┼─ 128 … 255 ─┼─ … ─┤ 2³⁶ µs, 19 hours
 *
 * A value read back is its bucket's middle, so it is off by at most 1/64 (1.6 %); the extremes,
 * the mean and the spread are exact.
 * Recording is constant time and allocates nothing; the counts take 8 KB.
 *
 * Invariants: `#counts` sums to `count`; minimum and maximum are 0 when `count` is 0.
 */

const EXACT = 64;
const PER_OCTAVE = 32;
const OCTAVES = 30;
const GREATEST_US = 2 ** 36 - 1;

function bucketOf(valueUs: number): number {
  if (valueUs < EXACT) return valueUs;
  // 64 to 127 is octave 0. `Math.clz32` reads 32 bits, so greater values are scaled down first.
  const high = valueUs >= 2 ** 31 ? 31 - Math.clz32(valueUs / 2 ** 16) + 16 : 31 - Math.clz32(valueUs);
  const octave = high - 6;
  const within = Math.floor(valueUs / 2 ** (high - 5)) - PER_OCTAVE;
  return EXACT + octave * PER_OCTAVE + within;
}

function middleOf(bucket: number): number {
  if (bucket < EXACT) return bucket;
  const octave = Math.floor((bucket - EXACT) / PER_OCTAVE);
  const within = (bucket - EXACT) % PER_OCTAVE;
  const width = 2 ** (octave + 1);
  return (PER_OCTAVE + within) * width + (width - 1) / 2;
}

/** Durations in whole microseconds, up to 19 hours; longer ones count as that. */
export class DelayHistogram {
  readonly #counts = new Float64Array(EXACT + OCTAVES * PER_OCTAVE);
  #count = 0;
  #sumUs = 0;
  #squaresUs = 0;
  #minUs = 0;
  #maxUs = 0;

  get count(): number {
    return this.#count;
  }

  get minUs(): number {
    return this.#minUs;
  }

  get maxUs(): number {
    return this.#maxUs;
  }

  get meanUs(): number {
    return this.#count === 0 ? 0 : this.#sumUs / this.#count;
  }

  /** Standard deviation of all that were counted. */
  get stddevUs(): number {
    const mean = this.meanUs;
    return this.#count === 0 ? 0 : Math.sqrt(Math.max(0, this.#squaresUs / this.#count - mean * mean));
  }

  /** Counts a duration `times` times; negative ones, which a clock's grain can make, count as 0. */
  record(durationUs: number, times: number = 1): void {
    const value = Math.min(GREATEST_US, Math.max(0, Math.round(durationUs)));
    this.#counts[bucketOf(value)]! += times;
    if (this.#count === 0 || value < this.#minUs) this.#minUs = value;
    this.#count += times;
    this.#sumUs += value * times;
    this.#squaresUs += value * value * times;
    if (value > this.#maxUs) this.#maxUs = value;
  }

  /** The duration that a share `p` of all do not exceed, 0 when there are none. */
  quantileUs(p: number): number {
    const wanted = Math.max(1, Math.ceil(p * this.#count));
    let seen = 0;
    for (let bucket = 0; bucket < this.#counts.length; bucket++) {
      seen += this.#counts[bucket]!;
      if (seen >= wanted) return Math.min(middleOf(bucket), this.#maxUs);
    }
    return 0;
  }

  clear(): void {
    this.#counts.fill(0);
    this.#count = 0;
    this.#sumUs = 0;
    this.#squaresUs = 0;
    this.#minUs = 0;
    this.#maxUs = 0;
  }
}
