import { add, axpy, dot, sum } from '@hotpath/cpu';
import { allocate, free } from '@hotpath/memory';
import fc from 'fast-check';
import { expect, test } from 'vitest';

const float = fc.float({ noDefaultInfinity: false });
const finite = fc.float({ noNaN: true, noDefaultInfinity: true, min: -(2 ** 50), max: 2 ** 50 });

/** Two vectors of one length at any misalignment, in the heap; freed afterwards. */
function withHeap(
  pairs: readonly (readonly [number, number])[],
  offsets: readonly [number, number],
  run: (a: Float32Array, b: Float32Array) => void,
): void {
  const blocks = offsets.map((offset) => allocate('f32', pairs.length + offset));
  const [a, b] = blocks.map((block, i) => block.subarray(offsets[i]));
  pairs.forEach(([x, y], i) => {
    a![i] = x;
    b![i] = y;
  });
  try {
    run(a!, b!);
  } finally {
    blocks.forEach((block) => free(block));
  }
}

const offsets = fc.tuple(fc.nat(15), fc.nat(15));

test('add and axpy equal the loop of Math.fround on any values at any alignment', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(float, float), { maxLength: 300 }),
      offsets,
      float,
      (pairs, offsets, alpha) => {
        withHeap(pairs, offsets, (a, b) => {
          const sums = pairs.map(([x, y]) => Math.fround(x + y));
          const multiples = pairs.map(([x, y]) => Math.fround(Math.fround(Math.fround(alpha) * x) + y));
          expect([...add(a, b, new Float32Array(pairs.length))]).toEqual(sums);
          const out = add(a, b);
          expect([...out]).toEqual(sums);
          free(out);
          expect([...axpy(alpha, a, b)]).toEqual(multiples);
        });
      },
    ),
  );
});

test('sum and dot stay within their error bounds of an f64 accumulation', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(finite, finite), { maxLength: 2000 }), offsets, (pairs, offsets) => {
      withHeap(pairs, offsets, (a, b) => {
        const n = pairs.length;
        let exact = 0;
        let exactDot = 0;
        let size = 0;
        let sizeDot = 0;
        for (const [x, y] of pairs) {
          exact += x;
          exactDot += x * y;
          size += Math.abs(x);
          sizeDot += Math.abs(x * y);
        }
        // 2^-53 covers the oracle's own rounding, 2^-149 an underflowing product.
        expect(Math.abs(sum(a) - exact)).toBeLessThanOrEqual((n / 32 + 15) * 2 ** -24 * size * 1.001);
        const slack = (n + 1) * 2 ** -149;
        expect(Math.abs(dot(a, b) - exactDot)).toBeLessThanOrEqual(
          (n / 16 + 16) * 2 ** -24 * sizeDot * 1.001 + slack,
        );
      });
    }),
  );
});

test('operands that overlap anyhow give what copies of them would', () => {
  const start = fc.nat(120);
  fc.assert(
    fc.property(
      fc.array(float, { minLength: 200, maxLength: 200 }),
      start,
      start,
      start,
      fc.nat(80),
      (data, i, j, k, n) => {
        const whole = allocate('f32', 200);
        try {
          whole.set(data);
          const a = whole.subarray(i, i + n);
          const b = whole.subarray(j, j + n);
          const out = whole.subarray(k, k + n);
          const expected = [...a].map((x, at) => Math.fround(x + b[at]!));
          expect([...add(a, b, out)]).toEqual(expected);
          const multiples = [...out].map((y, at) => Math.fround(Math.fround(2 * a[at]!) + y));
          expect([...axpy(2, a, out)]).toEqual(multiples);
        } finally {
          free(whole);
        }
      },
    ),
  );
});
