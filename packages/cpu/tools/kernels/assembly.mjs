// AssemblyScript text of the kernels that the table describes. The loops of one shape are written once, here.

import { COMPARISONS, CONVERSIONS, MAPS, reductions } from './table.mjs';

const LANE = { f32: 'f32x4', f64: 'f64x2', i32: 'i32x4', i64: 'i64x2' };
const BYTES = { f32: 4, f64: 8, i32: 4, i64: 8 };
const INLINE = '// @ts-ignore: decorator\n@inline\n';

/**
 * `out[i] = f(…)`: eight registers a turn, then single registers, then single elements. Eight are 6 % faster than four where
 * operands lie in the second-level cache (axpy of 1e5 f32 on V8 11.3, Zen 5: 8.0 µs against 8.5, and 7.9 in C).
 */
function mapKernel({ name, types, inputs, numbers = [], numbersFirst, inPlace, lanes, tail }) {
  const typed = numbers.map((number) => `${number}: T`);
  const target = inPlace === undefined ? 'out' : `${inPlace}_`;
  const parameters = (T) => {
    const own = numbers.map((number) => `${number}: ${T}`);
    const places = [
      ...(inPlace === undefined ? ['out: usize'] : []),
      ...inputs.map((input) => `${input}${T === 'T' ? '_' : ''}: usize`),
    ];
    return [...(numbersFirst ? own : []), ...places, ...(numbersFirst ? [] : own), 'count: i32'];
  };
  const laneBody = [
    ...inputs.map((input) => `${input}: v128`),
    ...numbers.map((number) => `${number}: v128`),
  ].join(', ');
  const oneBody = [...inputs.map((input) => `${input}: ${input === 'mask' ? 'u8' : 'T'}`), ...typed].join(
    ', ',
  );
  const load = (input, offset) =>
    input === 'mask'
      ? `maskLanes<T>(mask_ + (i + ${offset}) / sizeof<T>())`
      : `v128.load(${input}_ + i, ${offset})`;
  const step = (offset) =>
    `v128.store(${target} + i, ${name}Lanes_<T>(${[...inputs.map((input) => load(input, offset)), ...numbers.map((number) => `${number}V`)].join(', ')}), ${offset});`;
  const loadOne = (input) =>
    input === 'mask' ? 'load<u8>(mask_ + i / sizeof<T>())' : `load<T>(${input}_ + i)`;
  const names = parameters('').map((parameter) => parameter.split(':')[0]);
  return [
    `${INLINE}function ${name}Lanes_<T extends number>(${laneBody}): v128 { return ${lanes}; }`,
    `${INLINE}function ${name}One_<T extends number>(${oneBody}): T { return ${tail}; }`,
    `${INLINE}function ${name}Loop_<T extends number>(${parameters('T').join(', ')}): void {
  const bytes = (<usize>count) * sizeof<T>();
  const blocks = bytes & ~127;
  const single = bytes & ~15;
  ${numbers.map((number) => `const ${number}V = v128.splat<T>(${number});`).join('\n  ')}
  let i: usize = 0;
  for (; i < blocks; i += 128) {
    ${[0, 16, 32, 48, 64, 80, 96, 112].map(step).join('\n    ')}
  }
  for (; i < single; i += 16) { ${step(0)} }
  for (; i < bytes; i += sizeof<T>()) store<T>(${target} + i, ${name}One_<T>(${[...inputs.map(loadOne), ...numbers].join(', ')}));
}`,
    ...types.map(
      (T) =>
        `export function ${name}_${T}(${parameters(T).join(', ')}): void { ${name}Loop_<${T}>(${names.join(', ')}); }`,
    ),
  ]
    .filter(Boolean)
    .join('\n');
}

/** How `lane` registers are loaded from elements of type `T`, and how many bytes of them one register takes. */
function loader(T, lane) {
  if (T === lane) return { bytes: 16, load: (at, offset) => `v128.load(${at}, ${offset})` };
  const convert = {
    f32f64: 'f64x2.promote_low_f32x4',
    i32f64: 'f64x2.convert_low_i32x4_s',
    i32i64: 'i64x2.extend_low_i32x4_s',
  }[T + lane];
  return { bytes: 8, load: (at, offset) => `${convert}(v128.load64_zero(${at}, ${offset}))` };
}

/**
 * A reduction: `unroll` copies of each accumulator hide the latency of the operation, and keep the error small. With `turns` the
 * loop takes so many rounds of them at once, which saves what V8 does in each turn (it looks at the limit of the stack).
 */
function reduceKernel({
  name,
  T,
  lane,
  inputs,
  extra = [],
  accumulators,
  unroll,
  turns = 1,
  result,
  returns,
}) {
  const X = lane;
  const { bytes, load } = loader(T, lane);
  const count = 16 / BYTES[lane];
  const lines = [];
  const scalarX = (text) => text.replaceAll('<X>', `<${X}>`);
  const replace = (text, names) => text.replace(/\b(s|t|a|b|mean)\b/g, (word) => names[word] ?? word);
  const step = ({ step: text, name: acc }, k) =>
    `${acc}${k} = ${replace(text, { s: `${acc}${k}`, a: `a${k}`, b: `b${k}`, mean: 'meanV' })};`;
  const loads = (k, turn = 0) =>
    inputs
      .map((input) => `const ${input}${k} = ${load(`${input} + i`, bytes * (turn * unroll + k))};`)
      .join(' ');
  const block = (turn) =>
    Array.from({ length: unroll }, (_, k) =>
      [loads(k, turn), ...accumulators.map((acc) => step(acc, k))].join('\n    '),
    );
  const loop = (many) => [
    `  for (const end = bytes - bytes % ${bytes * unroll * many}; i < end; i += ${bytes * unroll * many}) {`,
    ...Array.from({ length: many }, (_, turn) => `    { ${block(turn).join('\n    ')} }`),
    '  }',
  ];
  lines.push(
    `export function ${name}(${[...inputs.map((input) => `${input}: usize`), ...extra.map((number) => `${number}: ${X}`), 'count: i32'].join(', ')}): ${returns} {`,
  );
  lines.push(`  const bytes = (<usize>count) * ${BYTES[T]};`);
  lines.push(`  const single = bytes & ~${bytes - 1};`);
  for (const number of extra) lines.push(`  const ${number}V = ${LANE[X]}.splat(${number});`);
  for (const { name: acc, init } of accumulators) {
    for (let k = 0; k < unroll; k++) lines.push(`  let ${acc}${k} = ${LANE[X]}.splat(<${X}>${init});`);
  }
  lines.push('  let i: usize = 0;');
  lines.push(...loop(turns), '  if (i < bytes) {', ...(turns > 1 ? loop(1) : []));
  lines.push(
    `  for (; i < single; i += ${bytes}) { ${loads(0)} ${accumulators.map((acc) => step(acc, 0)).join(' ')} }`,
    '  }',
  );
  for (const { name: acc, combine, fold } of accumulators) {
    for (let width = unroll / 2; width >= 1; width /= 2) {
      for (let k = 0; k < width; k++) {
        lines.push(`  ${acc}${k} = ${replace(combine, { s: `${acc}${k}`, t: `${acc}${k + width}` })};`);
      }
    }
    if (count === 4) {
      const upper = `v128.shuffle<i32>(${acc}0, ${acc}0, 2, 3, 2, 3)`;
      lines.push(`  ${acc}0 = ${replace(combine, { s: `${acc}0`, t: upper })};`);
    }
    const lane0 = `${LANE[X]}.extract_lane(${acc}0, 0)`;
    const lane1 = `${LANE[X]}.extract_lane(${acc}0, 1)`;
    lines.push(`  const ${acc}L = ${lane0};`, `  const ${acc}H = ${lane1};`);
    lines.push(`  let ${acc}: ${X} = ${scalarX(replace(fold, { s: `${acc}L`, t: `${acc}H` }))};`);
  }
  lines.push(`  for (; i < bytes; i += ${BYTES[T]}) {`);
  for (const input of inputs) lines.push(`    const x_${input} = <${X}>load<${T}>(${input} + i);`);
  for (const { name: acc, one } of accumulators) {
    lines.push(`    ${acc} = ${scalarX(replace(one, { s: acc, a: 'x_a', b: 'x_b' }))};`);
  }
  lines.push('  }');
  lines.push(`  return ${result};`, '}');
  return lines.join('\n');
}

const OPERATORS = ['lt', 'le', 'eq', 'ne', 'gt', 'ge'];

/** The comparisons of one type: each operator has its own loop, chosen once a call. */
function comparisonKernels(T) {
  const choose = (call) =>
    `switch (op) {\n${COMPARISONS.map((sign, k) => `    case ${k}: ${call(OPERATORS[k], sign)}`).join('\n')}\n  }`;
  const mask = (op, a, b) =>
    `${LANE[T]}.${op}${T === 'i32' && op !== 'eq' && op !== 'ne' ? '_s' : ''}(${a}, ${b})`;
  const perRegister = 16 / BYTES[T];
  const masks = (op, second) =>
    Array.from({ length: 16 / perRegister }, (_, k) =>
      mask(op, `v128.load(a + i * ${BYTES[T]}, ${16 * k})`, second(16 * k)),
    );
  // Comparison masks are narrowed to bytes of 0 and −1.
  const narrow = (list) => {
    const words =
      BYTES[T] === 4
        ? list
        : [0, 2, 4, 6].map((k) => `v128.shuffle<i32>(${list[k]}, ${list[k + 1]}, 0, 2, 4, 6)`);
    return `i8x16.narrow_i16x8_s(i16x8.narrow_i32x4_s(${words[0]}, ${words[1]}), i16x8.narrow_i32x4_s(${words[2]}, ${words[3]}))`;
  };
  const compareLoop = (name, second, secondOne, parameter, setup) =>
    OPERATORS.map(
      (op, k) => `function ${name}_${op}_${T}(out: usize, a: usize, ${parameter}, count: i32): void {
  const n = <usize>count;
  const blocks = n & ~15;${setup}
  let i: usize = 0;
  for (; i < blocks; i += 16) v128.store(out + i, v128.and(i8x16.splat(1), ${narrow(masks(op, second))}));
  for (; i < n; i++) store<u8>(out + i, <u8>(load<${T}>(a + i * ${BYTES[T]}) ${COMPARISONS[k]} ${secondOne}));
}`,
    ).join('\n');
  const I = LANE[BYTES[T] === 4 ? 'i32' : 'i64'];
  const countLoop = OPERATORS.map(
    (op, k) => `function countWhere_${op}_${T}(a: usize, value: ${T}, count: i32): i32 {
  const bytes = (<usize>count) * ${BYTES[T]};
  const blocks = bytes & ~127;
  const single = bytes & ~15;
  const v = ${LANE[T]}.splat(value);
  ${Array.from({ length: 8 }, (_, j) => `let s${j} = ${I}.splat(0);`).join(' ')}
  let i: usize = 0;
  for (; i < blocks; i += 128) {
    ${Array.from({ length: 8 }, (_, j) => `s${j} = ${I}.sub(s${j}, ${mask(op, `v128.load(a + i, ${16 * j})`, 'v')});`).join('\n    ')}
  }
  for (; i < single; i += 16) s0 = ${I}.sub(s0, ${mask(op, 'v128.load(a + i)', 'v')});
  s0 = ${I}.add(${I}.add(${I}.add(s0, s1), ${I}.add(s2, s3)), ${I}.add(${I}.add(s4, s5), ${I}.add(s6, s7)));
  let total = ${Array.from({ length: perRegister }, (_, j) => `<i32>${I}.extract_lane(s0, ${j})`).join(' + ')};
  for (; i < bytes; i += ${BYTES[T]}) total += <i32>(load<${T}>(a + i) ${COMPARISONS[k]} value);
  return total;
}`,
  ).join('\n');
  const filterLoop = OPERATORS.map(
    (op, k) => `function filter_${op}_${T}(out: usize, a: usize, value: ${T}, count: i32): i32 {
  const bytes = (<usize>count) * ${BYTES[T]};
  const single = bytes & ~15;
  const v = ${LANE[T]}.splat(value);
  let w = out;
  let i: usize = 0;
  for (; i < single; i += 16) {
    const x = v128.load(a + i);
    const kept = ${mask(op, 'x', 'v')};
    const bits = ${I}.bitmask(kept);
    const packed = pack${BYTES[T] * 8}(x, kept);
    ${
      BYTES[T] === 4
        ? `v128.store64_lane(w, packed, 0);
    w += <usize>((bits & 1) + ((bits >> 1) & 1)) << 2;
    v128.store64_lane(w, packed, 1);
    w += <usize>(((bits >> 2) & 1) + (bits >> 3)) << 2;`
        : `v128.store(w, packed);
    w += <usize>((bits & 1) + (bits >> 1)) << 3;`
    }
  }
  for (; i < bytes; i += ${BYTES[T]}) {
    const x = load<${T}>(a + i);
    if (x ${COMPARISONS[k]} value) { store<${T}>(w, x); w += ${BYTES[T]}; }
  }
  return <i32>((w - out) / ${BYTES[T]});
}`,
  ).join('\n');
  return [
    compareLoop(
      'compare',
      (offset) => `v128.load(b + i * ${BYTES[T]}, ${offset})`,
      `load<${T}>(b + i * ${BYTES[T]})`,
      'b: usize',
      '',
    ),
    compareLoop('compareTo', () => 'v', 'value', `value: ${T}`, `\n  const v = ${LANE[T]}.splat(value);`),
    countLoop,
    filterLoop,
    `export function compare_${T}(op: i32, out: usize, a: usize, b: usize, count: i32): void {\n  ${choose((op) => `compare_${op}_${T}(out, a, b, count); return;`)}\n}`,
    `export function compareTo_${T}(op: i32, out: usize, a: usize, value: ${T}, count: i32): void {\n  ${choose((op) => `compareTo_${op}_${T}(out, a, value, count); return;`)}\n}`,
    `export function countWhere_${T}(op: i32, a: usize, value: ${T}, count: i32): i32 {\n  ${choose((op) => `return countWhere_${op}_${T}(a, value, count);`)}\n  return 0;\n}`,
    `export function filter_${T}(op: i32, out: usize, a: usize, value: ${T}, count: i32): i32 {\n  ${choose((op) => `return filter_${op}_${T}(out, a, value, count);`)}\n  return 0;\n}`,
  ].join('\n');
}

/** One query against the rows of a matrix, which lie one behind the other. */
function rowKernels() {
  const list = [];
  for (const T of ['f32', 'f64', 'i32']) {
    const result = T === 'i32' ? 'f64' : T;
    for (const [name, call] of [
      ['dot', `dot_${T}`],
      ['distance2', `distance2_${T}`],
      ['cosine', `cosine_${T}`],
    ]) {
      list.push(`export function ${name}Rows_${T}(out: usize, query: usize, matrix: usize, rows: i32, width: i32): void {
  const stride = (<usize>width) * ${BYTES[T]};
  for (let r = 0; r < rows; r++, matrix += stride) store<${result}>(out + (<usize>r) * ${BYTES[result]}, <${result}>${call}(query, matrix, width));
}`);
    }
  }
  return list.join('\n');
}

const CONVERT_LANES = {
  f32f64: 'f64x2.promote_low_f32x4(v128.load64_zero(a + i * 4))',
  i32f64: 'f64x2.convert_low_i32x4_s(v128.load64_zero(a + i * 4))',
  i32f32: 'f32x4.convert_i32x4_s(v128.load(a + i * 4))',
  f64f32:
    'v128.shuffle<i64>(f32x4.demote_f64x2_zero(v128.load(a + i * 8)), f32x4.demote_f64x2_zero(v128.load(a + i * 8, 16)), 0, 2)',
  f32i32: 'wrap_f32(v128.load(a + i * 4))',
  f64i32: 'wrap_f64(v128.load(a + i * 8), v128.load(a + i * 8, 16))',
};

function conversionKernel([from, to]) {
  const perTurn = 16 / BYTES[to];
  const one =
    to === 'i32'
      ? `wrapOne(<f64>load<${from}>(a + i * ${BYTES[from]}))`
      : `<${to}>load<${from}>(a + i * ${BYTES[from]})`;
  return `export function convert_${from}_${to}(out: usize, a: usize, count: i32): void {
  const n = <usize>count;
  const blocks = n & ~${perTurn - 1};
  let i: usize = 0;
  for (; i < blocks; i += ${perTurn}) v128.store(out + i * ${BYTES[to]}, ${CONVERT_LANES[from + to]});
  for (; i < n; i++) store<${to}>(out + i * ${BYTES[to]}, ${one});
}`;
}

/** The whole of the generated source; it imports the hand-written pieces. */
export function assemblyText() {
  return [
    "import { absOne, clampLanes, clampOne, cosineOf, divLanes, divOne, maskLanes, pack32, pack64, signLanes, signOne, wrapOne, wrap_f32, wrap_f64, zeroOf } from './pieces';",
    ...MAPS.map(mapKernel),
    ...reductions().map(reduceKernel),
    ...['f32', 'f64', 'i32'].map(comparisonKernels),
    rowKernels(),
    ...CONVERSIONS.map(conversionKernel),
  ].join('\n\n');
}
