/**
 * The plain loops. `f` is a small function: a measuring process runs one row alone, so V8 inlines it and the loop becomes
 * the one that is written by hand.
 */

import { type Vectors, greatest } from './vectors.ts';

type Loop = (v: Vectors) => void;
type Fold = (v: Vectors) => number;

export const map1 =
  (f: (x: number) => number): Loop =>
  ({ signed, out }) => {
    for (let i = 0; i < out.length; i++) out[i] = f(signed[i]!);
  };

export const map2 =
  (f: (a: number, b: number) => number): Loop =>
  ({ a, b, out }) => {
    for (let i = 0; i < out.length; i++) out[i] = f(a[i]!, b[i]!);
  };

export const map2Signed =
  (f: (a: number, b: number) => number): Loop =>
  ({ signed, other, out }) => {
    for (let i = 0; i < out.length; i++) out[i] = f(signed[i]!, other[i]!);
  };

export const fold1 =
  (f: (total: number, x: number) => number, start = 0): Fold =>
  ({ a }) => {
    let total = start;
    for (let i = 0; i < a.length; i++) total = f(total, a[i]!);
    return total;
  };

export const fold1Signed =
  (f: (total: number, x: number) => number, start = 0): Fold =>
  ({ signed }) => {
    let total = start;
    for (let i = 0; i < signed.length; i++) total = f(total, signed[i]!);
    return total;
  };

export const fold2 =
  (f: (total: number, a: number, b: number) => number): Fold =>
  ({ a, b }) => {
    let total = 0;
    for (let i = 0; i < a.length; i++) total = f(total, a[i]!, b[i]!);
    return total;
  };

/** `term` summed over each row, and what `finish` makes of it. */
export const rows =
  (term: (total: number, q: number, x: number) => number): Loop =>
  ({ query, a, results }) => {
    const width = query.length;
    for (let r = 0; r < results.length; r++) {
      let total = 0;
      for (let i = 0; i < width; i++) total = term(total, query[i]!, a[r * width + i]!);
      results[r] = total;
    }
  };

/** The cosine distance of `query` to each of the vectors of its length that `matrix` consists of. */
export function cosines(
  query: ArrayLike<number>,
  matrix: ArrayLike<number>,
  results: { [row: number]: number },
): void {
  const width = query.length;
  for (let r = 0; r * width < matrix.length; r++) {
    let ab = 0;
    let aa = 0;
    let bb = 0;
    for (let i = 0; i < width; i++) {
      const a = query[i]!;
      const b = matrix[r * width + i]!;
      ab += a * b;
      aa += a * a;
      bb += b * b;
    }
    results[r] = 1 - ab / (Math.sqrt(aa) * Math.sqrt(bb));
  }
}

export function variance({ a }: Vectors): number {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += a[i]!;
  const mean = total / a.length;
  let squares = 0;
  for (let i = 0; i < a.length; i++) squares += (a[i]! - mean) * (a[i]! - mean);
  return squares / a.length;
}

/** Index of the first element that none is `better` than. */
export const place =
  (better: (x: number, best: number) => boolean): Fold =>
  ({ signed }) => {
    let at = 0;
    for (let i = 1; i < signed.length; i++) if (better(signed[i]!, signed[at]!)) at = i;
    return at;
  };

export function keepPositive({ signed, out }: Vectors): number {
  let kept = 0;
  for (let i = 0; i < signed.length; i++) if (signed[i]! > 0) out[kept++] = signed[i]!;
  return kept;
}

export function keepMasked({ a, mask, out }: Vectors): number {
  let kept = 0;
  for (let i = 0; i < a.length; i++) if (mask[i]! !== 0) out[kept++] = a[i]!;
  return kept;
}

export function prefix({ a, out }: Vectors): void {
  let total = 0;
  for (let i = 0; i < a.length; i++) {
    total += a[i]!;
    out[i] = total;
  }
}

export function bin({ kind, a, bins }: Vectors): void {
  const high = greatest(kind) + 1;
  const scale = bins.length / high;
  for (let i = 0; i < a.length; i++) {
    const x = a[i]!;
    if (x >= 0 && x <= high) bins[Math.min(Math.trunc(x * scale), bins.length - 1)]!++;
  }
}

/** A binary search for each of the query's values; the sum of the indexes. */
export function searches({ sorted, query }: Vectors): number {
  let total = 0;
  for (let q = 0; q < query.length; q++) {
    let low = 0;
    let high = sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (sorted[middle]! < query[q]!) low = middle + 1;
      else high = middle;
    }
    total += low;
  }
  return total;
}

export function interleave2({ a, b, records }: Vectors): void {
  for (let i = 0; i < a.length; i++) {
    records[2 * i] = a[i]!;
    records[2 * i + 1] = b[i]!;
  }
}

export function interleave4({ a, b, c, signed, records }: Vectors): void {
  for (let i = 0; i < a.length; i++) {
    records[4 * i] = a[i]!;
    records[4 * i + 1] = b[i]!;
    records[4 * i + 2] = c[i]!;
    records[4 * i + 3] = signed[i]!;
  }
}

export function deinterleave2({ pairs, columns }: Vectors): void {
  const [x, y] = columns;
  for (let i = 0; i < x!.length; i++) {
    x![i] = pairs[2 * i]!;
    y![i] = pairs[2 * i + 1]!;
  }
}

export function deinterleave4({ quads, columns }: Vectors): void {
  const [x, y, z, w] = columns;
  for (let i = 0; i < x!.length; i++) {
    x![i] = quads[4 * i]!;
    y![i] = quads[4 * i + 1]!;
    z![i] = quads[4 * i + 2]!;
    w![i] = quads[4 * i + 3]!;
  }
}
