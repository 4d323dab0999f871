// The table of kernels. From it come the WebAssembly loops (assembly.mjs), the public functions with their checks, and
// the scalar loops (typescript.mjs). To add an elementwise kernel, add an entry; nothing else is written by hand.
//
// An entry of MAPS is `out[i] = f(inputs[i]…, numbers…)`:
//   types      element types it exists for
//   inputs     names of the vectors; `mask` is a Uint8Array, the others have the element type
//   numbers    names of the number arguments, which come after the vectors, or first with `numbersFirst`
//   inPlace    the input that is also the output; then there is no `out`
//   scalar     the JavaScript expression: `f` for floats, `i` for i32, where names of inputs mean their i-th elements
//   lanes      the AssemblyScript expression on registers; `tail` the one on a single element. T is the element type.
//   check      a statement on the numbers, ahead of everything else
//   does       what it computes; `notes` what a caller should know; `example` a runnable line

const ALL = ['f32', 'f64', 'i32'];
const FLOATS = ['f32', 'f64'];

export const MAPS = [
  {
    name: 'add',
    types: ALL,
    inputs: ['a', 'b'],
    scalar: { f: 'a + b', i: '(a + b) | 0' },
    lanes: 'v128.add<T>(a, b)',
    tail: '<T>(a + b)',
    does: 'Adds two vectors: `out[i] = a[i] + b[i]`.',
    notes: 'i32 wraps around, as `(a[i] + b[i]) | 0` does.',
    example:
      "const a = allocate('f32', 1000).fill(1);\nconst b = allocate('f32', 1000).fill(2);\nadd(a, b, a); // a is all 3",
  },
  {
    name: 'sub',
    types: ALL,
    inputs: ['a', 'b'],
    scalar: { f: 'a - b', i: '(a - b) | 0' },
    lanes: 'v128.sub<T>(a, b)',
    tail: '<T>(a - b)',
    does: 'Subtracts one vector from another: `out[i] = a[i] - b[i]`.',
    notes: 'i32 wraps around, as `(a[i] - b[i]) | 0` does.',
    example: 'sub(after, before, change);',
  },
  {
    name: 'mul',
    types: ALL,
    inputs: ['a', 'b'],
    scalar: { f: 'a * b', i: 'Math.imul(a, b)' },
    lanes: 'v128.mul<T>(a, b)',
    tail: '<T>(a * b)',
    does: 'Multiplies two vectors element by element: `out[i] = a[i] * b[i]`.',
    notes: 'i32 wraps around, as `Math.imul` does.',
    example: 'mul(price, amount, total);',
  },
  {
    name: 'div',
    types: ALL,
    inputs: ['a', 'b'],
    scalar: { f: 'a / b', i: '(a / b) | 0' },
    lanes: 'divLanes<T>(a, b)',
    tail: 'divOne<T>(a, b)',
    does: 'Divides one vector by another: `out[i] = a[i] / b[i]`.',
    notes: 'i32 rounds towards 0 and gives 0 for a division by 0, as `(a[i] / b[i]) | 0` does.',
    example: 'div(total, amount, price);',
  },
  {
    name: 'fma',
    types: ALL,
    inputs: ['a', 'b', 'c'],
    scalar: { f32: 'Math.fround(a * b) + c', f: 'a * b + c', i: '(Math.imul(a, b) + c) | 0' },
    lanes: 'v128.add<T>(v128.mul<T>(a, b), c)',
    tail: '<T>(<T>(a * b) + c)',
    does: 'Multiplies and adds: `out[i] = a[i] * b[i] + c[i]`.',
    notes:
      'The product is rounded to the element type before the sum: a fused form that every CPU agrees on does not exist in WebAssembly. i32 wraps around.',
    example: 'fma(slope, x, offset, y);',
  },
  {
    name: 'axpy',
    types: ALL,
    inputs: ['x', 'y'],
    numbers: ['alpha'],
    numbersFirst: true,
    inPlace: 'y',
    scalar: { f32: 'Math.fround(alpha * x) + y', f: 'alpha * x + y', i: '(Math.imul(alpha, x) + y) | 0' },
    lanes: 'v128.add<T>(v128.mul<T>(alpha, x), y)',
    tail: '<T>(<T>(alpha * x) + y)',
    does: 'Adds a multiple of one vector to another, in place: `y[i] = alpha * x[i] + y[i]`. The name is that of BLAS.',
    notes:
      '`alpha` is rounded to the element type, then the product, then the sum. The plain `y[i] += alpha * x[i]` over f32 rounds once and may differ in the last bit. i32 wraps around.',
    example: 'axpy(dt, velocity, position); // position += dt * velocity',
  },
  {
    name: 'scale',
    types: ALL,
    inputs: ['a'],
    numbers: ['alpha'],
    scalar: { f: 'a * alpha', i: 'Math.imul(a, alpha)' },
    lanes: 'v128.mul<T>(a, alpha)',
    tail: '<T>(a * alpha)',
    does: 'Multiplies a vector by a number: `out[i] = alpha * a[i]`.',
    notes: '`alpha` is rounded to the element type first. i32 wraps around.',
    example: 'scale(samples, 0.5, samples);',
  },
  {
    name: 'abs',
    types: ALL,
    inputs: ['a'],
    scalar: { f: 'Math.abs(a)', i: 'Math.abs(a) | 0' },
    lanes: 'v128.abs<T>(a)',
    tail: 'absOne<T>(a)',
    does: 'Absolute values: `out[i] = |a[i]|`.',
    notes: 'The i32 −2³¹ stays what it is, as `Math.abs(a[i]) | 0` has it.',
    example: 'abs(error, error);',
  },
  {
    name: 'neg',
    types: ALL,
    inputs: ['a'],
    scalar: { f: '-a', i: '-a | 0' },
    lanes: 'v128.neg<T>(a)',
    tail: '<T>(-a)',
    does: 'Changes signs: `out[i] = -a[i]`.',
    notes: '0 becomes −0 in floats. The i32 −2³¹ stays what it is.',
    example: 'neg(gradient, step);',
  },
  {
    name: 'sqrt',
    types: FLOATS,
    inputs: ['a'],
    scalar: { f: 'Math.sqrt(a)' },
    lanes: 'v128.sqrt<T>(a)',
    tail: 'sqrt<T>(a)',
    does: 'Square roots, correctly rounded: `out[i] = √a[i]`.',
    notes: 'NaN below 0; −0 for −0. For f32 and f64.',
    example: 'sqrt(variances, deviations);',
  },
  {
    name: 'minimum',
    types: ALL,
    inputs: ['a', 'b'],
    scalar: { f: 'Math.min(a, b)', i: 'a < b ? a : b' },
    lanes: 'v128.min<T>(a, b)',
    tail: 'min<T>(a, b)',
    does: 'The smaller of each two elements: `out[i] = Math.min(a[i], b[i])`.',
    notes:
      'NaN where one of the two is NaN; −0 is smaller than 0. For the least element of one vector see {@link min}.',
    example: 'minimum(a, limits, a);',
  },
  {
    name: 'maximum',
    types: ALL,
    inputs: ['a', 'b'],
    scalar: { f: 'Math.max(a, b)', i: 'a > b ? a : b' },
    lanes: 'v128.max<T>(a, b)',
    tail: 'max<T>(a, b)',
    does: 'The larger of each two elements: `out[i] = Math.max(a[i], b[i])`.',
    notes:
      'NaN where one of the two is NaN; 0 is larger than −0. For the greatest element of one vector see {@link max}.',
    example: 'maximum(a, floor, a);',
  },
  {
    name: 'clamp',
    types: ALL,
    inputs: ['a'],
    numbers: ['low', 'high'],
    check: 'checkBounds(low, high);',
    scalar: { f: 'a < low ? low : high < a ? high : a', i: 'a < low ? low : high < a ? high : a' },
    lanes: 'clampLanes<T>(a, low, high)',
    tail: 'clampOne<T>(a, low, high)',
    does: 'Limits every element to the range from `low` to `high`, without a branch.',
    notes: 'NaN stays NaN. The bounds are rounded to the element type; `low` above `high` is refused.',
    example: 'clamp(samples, -1, 1, samples);',
  },
  {
    name: 'sign',
    types: ALL,
    inputs: ['a'],
    scalar: { f: 'Math.sign(a)', i: '(a >> 31) | (-a >>> 31)' },
    lanes: 'signLanes<T>(a)',
    tail: 'signOne<T>(a)',
    does: 'Signs, without a branch: −1, 0 or 1; `out[i] = Math.sign(a[i])`.',
    notes: '0, −0 and NaN stay what they are.',
    example: 'sign(changes, directions);',
  },
  {
    name: 'select',
    types: ALL,
    inputs: ['mask', 'a', 'b'],
    scalar: { f: 'mask !== 0 ? a : b', i: '(-(mask !== 0) & a) | (-(mask === 0) & b)' },
    lanes: 'v128.bitselect(a, b, mask)',
    tail: 'mask != 0 ? a : b',
    does: 'Takes each element from `a` where `mask` is not 0, and from `b` elsewhere, without a branch.',
    notes: '`mask` is a Uint8Array, as {@link compare} makes it.',
    example: "select(compare(a, '<', b), a, b, out);",
  },
];

/** Conversions: the JavaScript is always `out[i] = a[i]`. */
export const CONVERSIONS = [
  ['f32', 'f64'],
  ['f32', 'i32'],
  ['f64', 'f32'],
  ['f64', 'i32'],
  ['i32', 'f32'],
  ['i32', 'f64'],
];

const LANE = { f32: 'f32x4', f64: 'f64x2', i32: 'i32x4', i64: 'i64x2' };

/**
 * Reductions over one or two vectors. `accumulators` are registers of type `lane`; a step reads `s` (the accumulator) and
 * the loaded `a` and `b`, converted to `lane`. `result` combines the folded scalars, which have the accumulators' names.
 * `extra` are number arguments: they are splatted for the steps. `turns` rounds of all accumulators make one turn of the loop.
 *
 * `unroll` is bounded by the 16 registers of x64. A step over two inputs holds both loads and a product beside the accumulators:
 * eight of them made V8 spill three in every turn (dot of 1e5 f32: 12.6 µs, with four 8.6; cosine with 3 × 4 14 µs, with 3 × 2 1.4).
 * Over one input eight fit, and are needed: sums with four are 20 % slower.
 */
export function reductions() {
  const list = [];
  const add = (lane) => ({ combine: `${LANE[lane]}.add(s, t)`, fold: '<X>(s + t)', init: '0' });
  for (const [suffix, T, lane] of [
    ['f32', 'f32', 'f32'],
    ['wide_f32', 'f32', 'f64'],
    ['f64', 'f64', 'f64'],
    ['i32', 'i32', 'f64'],
  ]) {
    const x = LANE[lane];
    list.push({
      name: `dot_${suffix}`,
      T,
      lane,
      inputs: ['a', 'b'],
      unroll: 4,
      turns: 2,
      accumulators: [{ name: 'ab', step: `${x}.add(s, ${x}.mul(a, b))`, one: 's + a * b', ...add(lane) }],
      result: 'ab',
      returns: lane,
    });
    const square = `${x}.mul(${x}.sub(a, b), ${x}.sub(a, b))`;
    list.push({
      name: `distance2_${suffix}`,
      T,
      lane,
      inputs: ['a', 'b'],
      unroll: 4,
      turns: 2,
      accumulators: [
        { name: 'ab', step: `${x}.add(s, ${square})`, one: 's + (a - b) * (a - b)', ...add(lane) },
      ],
      result: 'ab',
      returns: lane,
    });
    list.push({
      name: `cosine_${suffix}`,
      T,
      lane,
      inputs: ['a', 'b'],
      unroll: 2,
      accumulators: [
        { name: 'ab', step: `${x}.add(s, ${x}.mul(a, b))`, one: 's + a * b', ...add(lane) },
        { name: 'aa', step: `${x}.add(s, ${x}.mul(a, a))`, one: 's + a * a', ...add(lane) },
        { name: 'bb', step: `${x}.add(s, ${x}.mul(b, b))`, one: 's + b * b', ...add(lane) },
      ],
      result: 'cosineOf(<f64>ab, <f64>aa, <f64>bb)',
      returns: 'f64',
    });
    const sumLane = T === 'i32' ? 'i64' : lane;
    list.push({
      name: `sum_${suffix}`,
      T,
      lane: sumLane,
      inputs: ['a'],
      unroll: 8,
      accumulators: [{ name: 'total', step: `${LANE[sumLane]}.add(s, a)`, one: 's + a', ...add(sumLane) }],
      result: T === 'i32' ? '<f64>total' : 'total',
      returns: T === 'i32' ? 'f64' : lane,
    });
    if (suffix === 'f32') continue;
    list.push({
      name: `deviation_${T}`,
      T,
      lane: 'f64',
      inputs: ['a'],
      extra: ['mean'],
      unroll: 8,
      accumulators: [
        {
          name: 'total',
          step: 'f64x2.add(s, f64x2.mul(f64x2.sub(a, mean), f64x2.sub(a, mean)))',
          one: 's + (a - mean) * (a - mean)',
          ...add('f64'),
        },
      ],
      result: 'total',
      returns: 'f64',
    });
  }
  for (const T of ALL) {
    const x = LANE[T];
    for (const name of ['min', 'max']) {
      if (T === 'i32') {
        list.push({
          name: `${name}_i32`,
          T,
          lane: T,
          inputs: ['a'],
          unroll: 8,
          accumulators: [
            {
              name: 'm',
              step: `i32x4.${name}_s(s, a)`,
              combine: `i32x4.${name}_s(s, t)`,
              one: `${name}<i32>(s, a)`,
              fold: `${name}<i32>(s, t)`,
              init: name === 'min' ? 'i32.MAX_VALUE' : 'i32.MIN_VALUE',
            },
          ],
          result: 'm',
          returns: 'i32',
        });
        continue;
      }
      const p = `${x}.p${name}`;
      const keep = name === 'min' ? 'a < s ? a : s' : 's < a ? a : s';
      list.push({
        name: `${name}_${T}`,
        T,
        lane: T,
        inputs: ['a'],
        unroll: 4,
        accumulators: [
          {
            name: 'm',
            step: `${p}(s, a)`,
            combine: `${p}(s, t)`,
            one: keep,
            fold: keep.replaceAll('a', 't'),
            init: name === 'min' ? 'Infinity' : '-Infinity',
          },
          {
            // Where a lane met NaN; a number that is not 0 once folded.
            name: 'odd',
            step: `v128.or(s, ${x}.ne(a, a))`,
            combine: 'v128.or(s, t)',
            one: 's + <X>(a != a)',
            fold: '<X>(s != 0) + <X>(t != 0)',
            init: '0',
          },
        ],
        result: `odd != 0 ? <${T}>NaN : m == 0 ? zeroOf<${T}>(a, count, ${name === 'min'}) : m`,
        returns: T,
      });
    }
  }
  return list;
}

/** What `compare`, `countWhere` and `filter` understand, in the order of their numbers. */
export const COMPARISONS = ['<', '<=', '==', '!=', '>', '>='];
