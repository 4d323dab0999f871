/**
 * Every kernel that is not elementwise against a naive oracle, on the SIMD path, with SIMD off, and on arrays outside the
 * heap: all lengths up to four turns of the widest loop and a tail, misalignments and special values.
 */

import * as cpu from '@hotpath/cpu';
import { allocate } from '@hotpath/memory';
import { afterEach, describe, expect, test } from 'vitest';

import { redecide } from '../dist/kernels/instance.js';
import {
  ARRAYS,
  freeNow,
  KINDS,
  lengthsOf,
  loose,
  PATHS,
  prepare,
  SPECIALS,
  specialPairs,
  taken,
  vector,
} from './kernel-oracles.ts';
import type { Kind, Vector } from './kernel-oracles.ts';

afterEach(() => {
  freeNow();
  redecide();
});

const loose2 = (fn: unknown): ((...values: unknown[]) => number) => fn as (...values: unknown[]) => number;
describe.each(PATHS)('$path', ({ path, place, simd }) => {
  const sameNumber = (got: number, expected: number, slack: number, what: string): void => {
    if (Number.isNaN(expected) || !Number.isFinite(expected)) expect(got, what).toBe(expected);
    else expect(Math.abs(got - expected), `${what}: ${got} for ${expected}`).toBeLessThanOrEqual(slack);
  };

  test('sums, products, means, distances stay within their bounds at every length', () => {
    prepare(simd);
    for (const kind of KINDS) {
      for (const n of lengthsOf(path, kind)) {
        const [a, b] = [vector(kind, n, 1), vector(kind, n, 2)];
        const [x, y] = [place(kind, a, n % 5), place(kind, b, n % 3)];
        const u = kind === 'f32' ? (n / 16 + 18) * 2 ** -24 : (n + 18) * 2 ** -52;
        const tiny = (n + 18) * 2 ** -52;
        const total = (f: (i: number) => number): number =>
          Array.from({ length: n }, (_, i) => f(i)).reduce((s, t) => s + t, 0);
        const size = (f: (i: number) => number): number => total((i) => Math.abs(f(i)));
        const sum = (i: number): number => a[i]!;
        const product = (i: number): number => a[i]! * b[i]!;
        const square = (i: number): number => (a[i]! - b[i]!) ** 2;
        const average = total(sum) / n;
        const spread = (i: number): number => (a[i]! - average) ** 2;
        const what = `${kind} of ${n}`;
        sameNumber(cpu.sum(x), total(sum), u * size(sum), `sum ${what}`);
        sameNumber(cpu.sum(x, 'f64'), total(sum), tiny * size(sum), `wide sum ${what}`);
        sameNumber(loose2(cpu.dot)(x, y), total(product), u * size(product), `dot ${what}`);
        sameNumber(loose2(cpu.dot)(x, y, 'f64'), total(product), tiny * size(product), `wide dot ${what}`);
        sameNumber(cpu.mean(x), average, tiny * size(sum), `mean ${what}`);
        sameNumber(cpu.variance(x), total(spread) / n, tiny * 8 * size(spread), `variance ${what}`);
        sameNumber(
          cpu.norm(x),
          Math.sqrt(total((i) => a[i]! ** 2)),
          tiny * Math.sqrt(size((i) => a[i]! ** 2)),
          `norm ${what}`,
        );
        sameNumber(
          loose2(cpu.squaredDistance)(x, y),
          total(square),
          u * 3 * size(square),
          `distance² ${what}`,
        );
        sameNumber(
          loose2(cpu.distance)(x, y),
          Math.sqrt(total(square)),
          tiny * 3 * Math.sqrt(size(square)),
          `distance ${what}`,
        );
        const lengthsProduct = Math.sqrt(total((i) => a[i]! ** 2)) * Math.sqrt(total((i) => b[i]! ** 2));
        sameNumber(
          loose2(cpu.cosineDistance)(x, y),
          n === 0 ? 0 : 1 - total(product) / lengthsProduct,
          1e-5,
          `cosine ${what}`,
        );
        freeNow();
      }
    }
  });

  test('extrema and their places equal the oracle at every length, with NaN and zeros of both signs anywhere', () => {
    prepare(simd);
    const index = (a: Vector, best: number): number =>
      Number.isNaN(best) ? a.findIndex((x) => Number.isNaN(x)) : a.indexOf(best);
    const check = (kind: Kind, a: Vector): void => {
      const x = place(kind, a, a.length % 7);
      const list = [...a];
      const [least, greatest] = [Math.min(...list), Math.max(...list)];
      expect(
        [cpu.min(x), cpu.max(x), cpu.argmin(x), cpu.argmax(x)],
        `${kind} ${list.slice(0, 12).join()}`,
      ).toEqual([least, greatest, index(a, least), index(a, greatest)]);
      expect(cpu.countPositive(x)).toBe(list.filter((v) => v > 0).length);
      freeNow();
    };
    for (const kind of KINDS) {
      for (const n of lengthsOf(path, kind)) {
        check(kind, vector(kind, n, n));
        if (n === 0) continue;
        const spiked = vector(kind, n, 1);
        spiked[((n * 7) % n) | 0] = SPECIALS[kind][n % SPECIALS[kind].length]!;
        check(kind, spiked);
        const zeros = new ARRAYS[kind](n).fill(-0);
        check(kind, zeros);
        zeros[n >> 1] = 0;
        check(kind, zeros);
      }
      const long = vector(kind, 10_000, 1).map((v) => v / 3) as Vector;
      for (const at of [0, 4095, 4096, 9999]) {
        const spike = long.slice() as Vector;
        spike[at] = kind === 'i32' ? 2147483647 : 1e9;
        check(kind, spike);
        if (kind !== 'i32') {
          spike[at] = NaN;
          check(kind, spike);
        }
      }
    }
  });

  const SIGNS = ['<', '<=', '==', '!=', '>', '>='] as const;
  const holds = (sign: (typeof SIGNS)[number], x: number, y: number): boolean =>
    ({ '<': x < y, '<=': x <= y, '==': x === y, '!=': x !== y, '>': x > y, '>=': x >= y })[sign];

  test('comparisons, counts and filters equal the oracle', () => {
    prepare(simd);
    const check = (kind: Kind, a: Vector, b: Vector, limit: number): void => {
      const [x, y] = [place(kind, a, a.length % 5), place(kind, b, a.length % 3)];
      const bound = kind === 'f32' ? Math.fround(limit) : limit;
      for (const sign of SIGNS) {
        const [between, against] = [
          loose2(cpu.compare)(x, sign, y),
          loose2(cpu.compare)(x, sign, limit),
        ] as unknown as [Uint8Array, Uint8Array];
        for (const mask of [between, against]) if (mask.buffer instanceof SharedArrayBuffer) taken.push(mask);
        const what = `${kind} ${sign} of ${a.length}`;
        expect([...between], what).toEqual([...a].map((v, i) => Number(holds(sign, v, b[i]!))));
        expect([...against], what).toEqual([...a].map((v) => Number(holds(sign, v, bound))));
        const kept = [...a].filter((v) => holds(sign, v, bound));
        expect(cpu.countWhere(x, sign, limit), what).toBe(kept.length);
        const out = place(kind, a);
        expect([...out.subarray(0, loose2(cpu.filter)(x, sign, limit, out))], what).toEqual(kept);
        expect([...out.subarray(0, loose2(cpu.compact)(x, against, out))], what).toEqual(kept);
        const inPlace = place(kind, a, 3);
        expect([...inPlace.subarray(0, loose2(cpu.filter)(inPlace, sign, limit, inPlace))], what).toEqual(
          kept,
        );
      }
      freeNow();
    };
    for (const kind of KINDS) {
      for (const n of lengthsOf(path, kind))
        check(kind, vector(kind, n, 1), vector(kind, n, 2), kind === 'i32' ? 5 : 0.1);
      const [a, b] = specialPairs(kind);
      for (const limit of SPECIALS[kind]) check(kind, a, b, limit);
    }
  });

  test('prefix sums, conversions, searches and histograms equal the oracle', () => {
    prepare(simd);
    for (const kind of KINDS) {
      for (const n of lengthsOf(path, kind)) {
        const a = vector(kind, n, 1);
        const x = place(kind, a, n % 5);
        const sums = loose(cpu.prefixSum)(x, place(kind, a, n % 3));
        let total = 0;
        let size = 0;
        for (let i = 0; i < n; i++) {
          total = kind === 'i32' ? (total + a[i]!) | 0 : total + a[i]!;
          size += Math.abs(a[i]!);
          const slack = kind === 'i32' ? 0 : (i / 16 + 9) * (kind === 'f32' ? 2 ** -24 : 2 ** -52) * size;
          sameNumber(sums[i]!, total, slack, `prefix sum ${kind} ${i} of ${n}`);
        }
        const sorted = a.slice().toSorted((p, q) => p - q) as Vector;
        const z = place(kind, sorted, n % 4);
        for (const probe of [...sorted.slice(0, 40), -1e9 | 0, 1e9 | 0, 0]) {
          const first = [...sorted].findIndex((v) => v >= probe);
          expect(cpu.lowerBound(z, probe), `${kind} of ${n}`).toBe(first < 0 ? n : first);
        }
        const bins = place('i32', new Int32Array(7)) as Int32Array;
        const [low, high] = kind === 'i32' ? [-1e9, 1e9] : [-50, 50];
        const expected = new Int32Array(7);
        for (const v of a) {
          if (v >= low && v <= high) expected[Math.min(6, Math.floor((v - low) * (7 / (high - low))))]!++;
        }
        expect([...cpu.histogram(x, low, high, bins)], `${kind} of ${n}`).toEqual([...expected]);
        freeNow();
      }
      for (const to of KINDS) {
        for (const source of [specialPairs(kind)[0], vector(kind, 83, 1)]) {
          const expected = new ARRAYS[to](source.length);
          source.forEach((v, i) => (expected[i] = v));
          const out = place(to, new Array<number>(source.length).fill(0), 1);
          expect([...cpu.convert(place(kind, source, 3), out)], `${kind} to ${to}`).toEqual([...expected]);
          freeNow();
        }
      }
    }
  });

  test('a histogram counts its bounds into the first and the last bin, and nothing beyond them', () => {
    prepare(simd);
    for (const kind of KINDS) {
      // Whole registers within the bounds, some with elements beyond them, and tails of both sorts.
      const all = [50, -50, 0, 49, -49, 50, 50, -50, -51, 50, 51, -50, 50, -51, 7];
      for (let n = 0; n <= all.length; n++) {
        const values = all.slice(0, n);
        const expected = [
          values.filter((v) => v >= -50 && v < -25).length,
          values.filter((v) => v >= -25 && v < 0).length,
          values.filter((v) => v >= 0 && v < 25).length,
          values.filter((v) => v >= 25 && v <= 50).length,
        ];
        const room = place('i32', new Int32Array(6), 1) as Int32Array;
        const bins = room.subarray(1, 5);
        expect([...cpu.histogram(place(kind, values, n % 3), -50, 50, bins)], `${kind} of ${n}`).toEqual(
          expected,
        );
        expect([room[0], room[5]], 'beside the bins').toEqual([0, 0]);
        freeNow();
      }
    }
  });

  test('columns and records change into each other', () => {
    prepare(simd);
    for (const kind of KINDS) {
      for (const width of [1, 2, 3, 4, 5]) {
        for (const n of [0, 1, 3, 4, 7, 64, 67]) {
          const columns = Array.from({ length: width }, (_, j) => vector(kind, n, j));
          const placed = columns.map((column, j) => place(kind, column, j));
          const out = loose(cpu.interleave)(placed, place(kind, new Array<number>(n * width).fill(0), 1));
          expect([...out]).toEqual(
            Array.from({ length: n * width }, (_, i) => columns[i % width]![Math.floor(i / width)]),
          );
          const back = columns.map((column, j) => place(kind, new Array<number>(column.length).fill(0), j));
          loose(cpu.deinterleave)(out, back);
          expect(back.map((column) => [...column])).toEqual(columns.map((column) => [...column]));
          freeNow();
        }
      }
    }
  });

  test('rows are measured as one by one', () => {
    prepare(simd);
    for (const kind of KINDS) {
      for (const width of [1, 3, 16, 33]) {
        const query = vector(kind, width, 1);
        const matrix = vector(kind, width * 5, 2);
        const [q, m] = [place(kind, query), place(kind, matrix, 1)];
        const out = place(kind === 'f32' ? 'f32' : 'f64', [0, 0, 0, 0, 0], 1);
        for (const [rows, one] of [
          [cpu.dotRows, cpu.dot],
          [cpu.squaredDistanceRows, cpu.squaredDistance],
          [cpu.cosineDistanceRows, cpu.cosineDistance],
        ] as const) {
          expect(loose2(rows)(q, m, out)).toBe(5);
          for (let r = 0; r < 5; r++) {
            const expected = loose2(one)(q, m.subarray(r * width, (r + 1) * width));
            sameNumber(out[r]!, expected, Math.abs(expected) * 1e-5 + 1e-5, `${kind} row ${r}`);
          }
        }
        freeNow();
      }
    }
  });

  test('bytes are counted and found', () => {
    prepare(simd);
    for (const n of [0, 1, 15, 16, 17, 63, 4095, 5000, 70_001]) {
      const bytes = path.includes('foreign') ? new Uint8Array(n) : allocate('u8', n);
      if (!path.includes('foreign')) taken.push(bytes);
      for (let i = 0; i < n; i++) bytes[i] = (Math.imul(i, 0x9e37_79b1) >>> 24) % 7;
      const places = [...bytes.keys()].filter((i) => bytes[i] === 3);
      expect(cpu.countByte(bytes, 3)).toBe(places.length);
      const room = path.includes('foreign') ? new Uint32Array(n) : allocate('u32', n);
      if (!path.includes('foreign')) taken.push(room);
      expect([...room.subarray(0, cpu.positionsOfByte(bytes, 3, room))]).toEqual(places);
      if (places.length > 1) {
        expect(cpu.positionsOfByte(bytes, 3, room.subarray(0, 1))).toBe(1);
      }
      const bins = place('i32', new Int32Array(256).fill(1)) as Int32Array;
      const expected = new Int32Array(256).fill(1);
      bytes.forEach((byte) => (expected[byte] = expected[byte]! + 1));
      expect([...cpu.byteHistogram(bytes, bins)]).toEqual([...expected]);
      freeNow();
    }
  });
});
