// The public kernels that give a number, for typescript.mjs. `simd` is the call of the WebAssembly kernel, where `k` are
// the kernels, `atA` an address and `count` the length; `scalar` the call of the loop in src/kernels/scalar.
// `wide`: for f32 there is a variant that accumulates in f64. `empty`: the answer for no elements, where the loop has none.

const ALL = ['f32', 'f64', 'i32'];
const each = (make, types = ALL) => Object.fromEntries(types.map((type) => [type, make(type)]));
const wideName = (type) => (type === 'f32' ? 'wide_f32' : type);

const accuracy = (partialSums) =>
  `f32 is accumulated in f32, in ${partialSums} partial sums that are folded pairwise: at most \`(n / ${partialSums} + 16) · 2⁻²⁴ · Σ|terms|\` from the exact value, to first order. With \`accumulate\` \`f64\` the bound is that of f64, at about half the speed. Vectors outside the heap are accumulated in f64 and rounded once, so the paths may differ in the last bits; a partial sum beyond 3.4e38 is ±∞ in the f32 kernel alone. i32 is exact while sums stay below 2⁵³ and does not wrap. The order of additions is fixed, so equal inputs give equal results.`;

export const REDUCTIONS = [
  {
    name: 'sum',
    inputs: ['a'],
    wide: true,
    simd: each((type) => `k.sum_${type}(atA, count)`),
    wideSimd: 'k.sum_wide_f32(atA, count)',
    scalar: 'sumScalar(a)',
    does: 'Sums a vector; 0 for an empty one.',
    notes: accuracy(32),
    example: "const a = allocate('f32', 1000).fill(0.5);\nsum(a); // 500",
  },
  {
    name: 'dot',
    inputs: ['a', 'b'],
    wide: true,
    simd: each((type) => `k.dot_${type}(atA, atB, count)`),
    wideSimd: 'k.dot_wide_f32(atA, atB, count)',
    scalar: 'dotScalar(a, b)',
    does: 'The dot product `a[0] · b[0] + a[1] · b[1] + …`; 0 for empty vectors.',
    notes: accuracy(16),
    example: 'dot(query, row); // similarity of two embeddings of length 1',
  },
  {
    name: 'mean',
    inputs: ['a'],
    simd: each((type) => `k.sum_${wideName(type)}(atA, count) / count`),
    scalar: 'sumScalar(a) / count',
    does: 'The arithmetic mean, accumulated in f64; NaN for an empty vector.',
    notes: '',
    example: 'mean(latencies);',
  },
  {
    name: 'variance',
    inputs: ['a'],
    empty: 'NaN',
    simd: each(
      (type) => `k.deviation_${type}(atA, k.sum_${wideName(type)}(atA, count) / count, count) / count`,
    ),
    scalar: 'deviationScalar(a) / count',
    does: 'The population variance `Σ(aᵢ − mean)² / n`, accumulated in f64 in two passes; NaN for an empty vector.',
    notes: 'For the variance of a sample multiply by `n / (n − 1)`.',
    example: 'Math.sqrt(variance(latencies)); // standard deviation',
  },
  {
    name: 'norm',
    inputs: ['a'],
    simd: each((type) => `Math.sqrt(k.dot_${wideName(type)}(atA, atA, count))`),
    scalar: 'Math.sqrt(squaresScalar(a))',
    does: 'The Euclidean norm `√Σaᵢ²`, accumulated in f64; 0 for an empty vector.',
    notes: 'No f32 is large or small enough to overflow or vanish on the way.',
    example: 'scale(a, 1 / norm(a), a); // to length 1',
  },
  {
    name: 'min',
    inputs: ['a'],
    empty: 'Infinity',
    simd: each((type) => `k.min_${type}(atA, count)`),
    scalar: 'minScalar(a)',
    does: 'The least element, as `Math.min(...a)`: ∞ for an empty vector.',
    notes: 'NaN where an element is NaN; −0 is smaller than 0.',
    example: 'min(prices);',
  },
  {
    name: 'max',
    inputs: ['a'],
    empty: '-Infinity',
    simd: each((type) => `k.max_${type}(atA, count)`),
    scalar: 'maxScalar(a)',
    does: 'The greatest element, as `Math.max(...a)`: −∞ for an empty vector.',
    notes: 'NaN where an element is NaN; 0 is larger than −0.',
    example: 'max(prices);',
  },
  {
    name: 'argmin',
    inputs: ['a'],
    simd: each((type) => `k.argmin_${type}(atA, count)`),
    scalar: 'argminScalar(a)',
    does: 'Index of the first element that is the least; −1 for an empty vector.',
    notes: 'Of the first NaN, where there is one; −0 and 0 count as equal.',
    example: 'prices[argmin(prices)];',
  },
  {
    name: 'argmax',
    inputs: ['a'],
    simd: each((type) => `k.argmax_${type}(atA, count)`),
    scalar: 'argmaxScalar(a)',
    does: 'Index of the first element that is the greatest; −1 for an empty vector.',
    notes: 'Of the first NaN, where there is one; −0 and 0 count as equal.',
    example: 'labels[argmax(scores)];',
  },
  {
    name: 'countPositive',
    inputs: ['a'],
    simd: each((type) => `k.countWhere_${type}(4, atA, 0, count)`),
    scalar: 'countPositiveScalar(a)',
    does: 'How many elements are above 0, without a branch.',
    notes: 'NaN is not.',
    example: 'countPositive(changes);',
  },
  {
    name: 'squaredDistance',
    inputs: ['a', 'b'],
    simd: each((type) => `k.distance2_${type}(atA, atB, count)`),
    scalar: 'squaredDistanceScalar(a, b)',
    does: 'The squared Euclidean distance `Σ(aᵢ − bᵢ)²`, which orders neighbours as the distance does.',
    notes: 'Accuracy as of {@link dot}.',
    example: 'squaredDistance(query, row);',
  },
  {
    name: 'distance',
    inputs: ['a', 'b'],
    simd: each((type) => `Math.sqrt(k.distance2_${wideName(type)}(atA, atB, count))`),
    scalar: 'distanceScalar(a, b)',
    does: 'The Euclidean distance (L2) `√Σ(aᵢ − bᵢ)²`, accumulated in f64.',
    notes: '',
    example: 'distance(here, there);',
  },
  {
    name: 'cosineDistance',
    inputs: ['a', 'b'],
    simd: each((type) => `k.cosine_${type}(atA, atB, count)`),
    scalar: 'cosineDistanceScalar(a, b)',
    does: 'The cosine distance `1 − a·b / (|a| |b|)`: 0 for the same direction, 2 for the opposite one.',
    notes:
      '1 where one vector is all 0, 0 where both are. f32 sums are accumulated in f32: about 1e-6 of error at ordinary lengths.',
    example: 'cosineDistance(query, row);',
  },
];
