// TypeScript text of the public kernels: for each kernel a function that looks at the element type, and for each type a
// leaf with the checks, the WebAssembly call and the scalar loop. Leaves are text of their own, not closures over one
// body, because V8 keeps what it learns of a call with the source position: shared code would be slow for everybody.

import { MAPS } from './table.mjs';
import { REDUCTIONS } from './reductions.mjs';

const ARRAY = { f32: 'Float32Array', f64: 'Float64Array', i32: 'Int32Array' };
const BYTES = { f32: 4, f64: 8, i32: 4 };
const capital = (name) => name[0].toUpperCase() + name.slice(1);
const leafName = (name, type) => name + type.toUpperCase();
const at = (name) => `at${capital(name)}`;

const arrayOf = (input, type) => (input === 'mask' ? 'Uint8Array' : ARRAY[type]);

/** The checks and addresses of the inputs of a leaf; the first vector was looked at by the public function. */
function operandLines(inputs, type) {
  const [first, ...others] = [
    ...inputs.filter((input) => input !== 'mask'),
    ...inputs.filter((input) => input === 'mask'),
  ];
  return [
    `const count = ${first}.length;`,
    ...others.flatMap((input) => [
      `if (!(${input} instanceof ${arrayOf(input, type)})) refuseType('${input}', ${input}, '${arrayOf(input, type)}');`,
      `if (${input}.length !== count) refuseLength('${input}', ${input}, count, '${first}');`,
    ]),
    ...inputs.map(
      (input) => `const ${at(input)} = (${input} as Addressed)[ADDRESS] || locate('${input}', ${input});`,
    ),
  ];
}

const numberLines = (numbers, type) =>
  numbers.map((number) =>
    type === 'i32'
      ? `checkInt32('${number}', ${number});`
      : `if (typeof ${number} !== 'number') refuseNumber('${number}', ${number});`,
  );

function mapLeaf(entry, type) {
  const { name, inputs, numbers = [], numbersFirst, inPlace, check } = entry;
  const array = ARRAY[type];
  const target = inPlace ?? 'out';
  const leaf = leafName(name, type);
  const own = numbers.map((number) => `${number}: number`);
  const vectors = inputs.map((input) => `${input}: ${arrayOf(input, type)}`);
  const parameters = [
    ...(numbersFirst ? own : []),
    ...vectors,
    ...(numbersFirst ? [] : own),
    ...(inPlace === undefined ? [`out: ${array} | undefined`] : []),
  ].join(', ');
  const sources = inputs.filter((input) => input !== inPlace);
  const addresses = inputs.map(at);
  const kernelArguments = [
    ...(numbersFirst ? numbers : []),
    ...(inPlace === undefined ? ['atOut'] : []),
    ...addresses,
    ...(numbersFirst ? [] : numbers),
    'count',
  ].join(', ');
  const rounded = numbers.map((number) => (type === 'f32' ? `Math.fround(${number})` : number));
  const conditions = [
    'k !== undefined',
    ...[...addresses, ...(inPlace === undefined ? ['atOut'] : [])].map((address) => `${address} !== 0`),
    ...sources.map((input) =>
      input === 'mask'
        ? `isApart(${at(target)}, count * ${BYTES[type]}, atMask, count)`
        : `!overtakes(${at(target)}, ${at(input)}, count * ${BYTES[type]})`,
    ),
  ];
  const copies = inputs.map((input) =>
    input === inPlace ? input : `${input === 'mask' ? 'isolateMask' : 'isolate'}(${input}, ${target})`,
  );
  const expression = entry.scalar[type] ?? (type === 'i32' ? entry.scalar.i : entry.scalar.f);
  const scalarBody = expression.replace(new RegExp(`\\b(${inputs.join('|')})\\b`, 'g'), '$1[i]!');
  const lines = [
    ...numberLines(numbers, type),
    ...(check === undefined ? [] : [check]),
    ...operandLines(inputs, type),
    ...(inPlace === undefined
      ? [
          `if (out === undefined) {`,
          `  out = ${addresses.map((address) => `${address} !== 0`).join(' && ')} ? allocate('${type}', count) : new ${array}(count);`,
          `} else {`,
          `  if (!(out instanceof ${array})) refuseType('out', out, '${array}');`,
          `  if (out.length < count) refuseRoom('out', out, count);`,
          `}`,
          `const atOut = (out as Addressed)[ADDRESS] || locate('out', out);`,
        ]
      : []),
    'const k = simd.kernels ?? simdKernels();',
    `if (${conditions.join(' && ')}) k.${name}_${type}(${kernelArguments});`,
    `else ${leaf}Scalar(${[target, ...copies.filter((_, i) => inputs[i] !== inPlace), ...rounded, 'count'].join(', ')});`,
    `return ${target};`,
  ];
  const scalarParameters = [
    `${target}: ${array}`,
    ...sources.map((input) => `${input}: ${arrayOf(input, type)}`),
    ...own,
    'count: number',
  ].join(', ');
  const integerMask = scalarBody
    .replaceAll('-(mask[i]! !== 0)', '-Number(mask[i]! !== 0)')
    .replaceAll('-(mask[i]! === 0)', '-Number(mask[i]! === 0)');
  return `function ${leaf}(${parameters}): ${array} {
  ${lines.join('\n  ')}
}

function ${leaf}Scalar(${scalarParameters}): void {
  for (let i = 0; i < count; i++) ${target}[i] = ${integerMask};
}`;
}

const typeNames = (types) =>
  types
    .map((type) => ARRAY[type])
    .join(', ')
    .replace(/, (?=[^,]*$)/, ' or ');

function docs(lines) {
  return [
    '/**',
    ...lines.flatMap((line) => line.split('\n')).map((line) => (line === '' ? ' *' : ` * ${line}`)),
    ' */',
  ].join('\n');
}

function mapPublic(entry) {
  const { name, types, inputs, numbers = [], numbersFirst, inPlace, does, notes, example } = entry;
  const first = inputs.find((input) => input !== 'mask');
  const V = types.length === 3 ? 'Vector' : 'FloatVector';
  const own = numbers.map((number) => `${number}: number`);
  const typed = (first_, other) =>
    inputs.map((input) => `${input}: ${input === 'mask' ? 'Uint8Array' : input === first ? first_ : other}`);
  const order = (vectors) => (numbersFirst ? [...own, ...vectors] : [...vectors, ...own]);
  const args = (type) =>
    [
      ...(numbersFirst ? numbers : []),
      ...inputs.map((input) => (input === 'mask' || input === first ? input : `${input} as ${ARRAY[type]}`)),
      ...(numbersFirst ? [] : numbers),
      ...(inPlace === undefined ? [`out as ${ARRAY[type]} | undefined`] : []),
    ].join(', ');
  const elsewhere = (type) =>
    args(type).replace(new RegExp(`(^|, )${first}(?=,|$)`), `$1${first} as ${ARRAY[type]}`);
  const doc = docs([
    does,
    '',
    ...(notes ? [notes, ''] : []),
    `Vectors in the heap of \`@hotpath/memory\` use WebAssembly SIMD, nothing copied; others, or a mix, a scalar loop with the same results. They may begin anywhere, be the same or overlap anyhow: the result is as if all were read before anything was written (an output that begins inside an input costs a copy). NaN, −0 and ±∞ behave as in JavaScript. O(n)${inPlace === undefined ? '' : ', allocates nothing'}.`,
    '',
    ...(inPlace === undefined
      ? [
          `@param out receives the result in its first \`${first}.length\` elements. Without it a vector is made: in the heap where all inputs live there, and then the caller owns and frees it; an ordinary typed array otherwise.`,
          '@returns `out`.',
        ]
      : [`@returns \`${inPlace}\`.`]),
    `@throws ArgumentTypeError when a vector is no ${typeNames(types)}, or they are not of one type${numbers.length > 0 ? ', or a number is none' : ''}.`,
    `@throws ArgumentRangeError when lengths differ${inPlace === undefined ? ' or `out` is shorter' : ''}${numbers.length > 0 ? ', or a number does not fit i32' : ''}.`,
    '@throws FreedVectorError when a vector was freed or its buffer detached.',
    '@example',
    example,
  ]);
  const generic =
    inPlace === undefined
      ? [
          `export function ${name}<V extends ${V}, O extends Like<V>>(${[...order(typed('V', 'Like<V>')), 'out: O'].join(', ')}): O;`,
          '/** As with `out`, which is made: in the heap where all inputs live there, and then the caller owns and frees it. */',
          `export function ${name}<V extends ${V}>(${order(typed('V', 'Like<V>')).join(', ')}): Like<V>;`,
          `export function ${name}(${[...order(typed(V, V)), `out?: ${V}`].join(', ')}): Vector {`,
        ]
      : [
          `export function ${name}<V extends ${V}>(${order(inputs.map((input) => `${input}: ${input === inPlace ? 'V' : 'Like<V>'}`)).join(', ')}): V;`,
          `export function ${name}(${order(typed(V, V)).join(', ')}): Vector {`,
        ];
  return `${doc}
${generic.join('\n')}
  ${types.map((type) => `if (${first} instanceof ${ARRAY[type]}) return ${leafName(name, type)}(${args(type)});`).join('\n  ')}
  switch (foreignKind('${first}', ${first}, '${typeNames(types)}')) {
    ${types
      .slice(1)
      .map((type) => `case '${ARRAY[type]}': return ${leafName(name, type)}(${elsewhere(type)});`)
      .join('\n    ')}
    default: return ${leafName(name, types[0])}(${elsewhere(types[0])});
  }
}`;
}

function reductionLeaf({ name, inputs, simd, scalar, empty }, type, suffix = '') {
  const call = `${inputs.map((input) => `${at(input)} !== 0`).join(' && ')}`;
  const fround =
    type === 'f32' && ['sum', 'dot', 'squaredDistance'].includes(name) && suffix === ''
      ? `Math.fround(${scalar})`
      : scalar;
  return `function ${leafName(name, type)}${suffix}(${inputs.map((input) => `${input}: ${ARRAY[type]}`).join(', ')}): number {
  ${operandLines(inputs, type).join('\n  ')}${empty === undefined ? '' : `\n  if (count === 0) return ${empty};`}
  const k = simd.kernels ?? simdKernels();
  return k !== undefined && ${call} ? ${simd[type]} : ${fround};
}`;
}

function reductionPublic({ name, inputs, wide, does, notes, example }) {
  const [first, ...others] = inputs;
  const args = (type, isForeign) =>
    [
      isForeign ? `${first} as ${ARRAY[type]}` : first,
      ...others.map((input) => `${input} as ${ARRAY[type]}`),
    ].join(', ');
  const types = Object.keys(ARRAY);
  const doc = docs([
    does,
    '',
    ...(notes ? [notes, ''] : []),
    'Vectors in the heap of `@hotpath/memory` use WebAssembly SIMD, others a scalar loop. O(n), allocates nothing.',
    '',
    ...(wide ? ['@param accumulate `f64` for a result accumulated in f64 where the elements are f32.'] : []),
    `@throws ArgumentTypeError when a vector is no ${typeNames(types)}${others.length > 0 ? ', or they are not of one type' : ''}.`,
    ...(others.length > 0 ? ['@throws ArgumentRangeError when lengths differ.'] : []),
    '@throws FreedVectorError when a vector was freed or its buffer detached.',
    '@example',
    example,
  ]);
  const typed = [
    `${first}: V`,
    ...others.map((input) => `${input}: Like<V>`),
    ...(wide ? ["accumulate?: 'f64'"] : []),
  ];
  const open = [
    `${first}: Vector`,
    ...others.map((input) => `${input}: Vector`),
    ...(wide ? ["accumulate?: 'f64'"] : []),
  ];
  const signature = (list) => list.join(', ');
  const head =
    others.length > 0
      ? `export function ${name}<V extends Vector>(${signature(typed)}): number;\nexport function ${name}(${signature(open)}): number {`
      : `export function ${name}(${signature(open)}): number {`;
  const wideLine = wide
    ? `\n  if (accumulate !== undefined && isWide(accumulate) && ${first} instanceof Float32Array) return ${leafName(name, 'f32')}Wide(${args('f32')});`
    : '';
  return `${doc}
${head}${wideLine}
  ${types.map((type) => `if (${first} instanceof ${ARRAY[type]}) return ${leafName(name, type)}(${args(type)});`).join('\n  ')}
  switch (foreignKind('${first}', ${first}, '${typeNames(types)}')) {
    case 'Float64Array': return ${leafName(name, 'f64')}(${args('f64', true)});
    case 'Int32Array': return ${leafName(name, 'i32')}(${args('i32', true)});
    default: return ${leafName(name, 'f32')}(${args('f32', true)});
  }
}`;
}

const HEAD = '// Generated by tools/build-wasm.mjs from tools/kernels: do not edit, run `pnpm wasm`.\n';

/** V8 takes a module's own constants for constants, and looks at those that it imports at every use. */
const OWN_CONSTANTS =
  'const ADDRESS: typeof IMPORTED_ADDRESS = IMPORTED_ADDRESS;\nconst simd: typeof importedSimd = importedSimd;\n';

/** The files of src/kernels/generated, by name. */
export function typescriptFiles() {
  const maps = MAPS.flatMap((entry) => [
    mapPublic(entry),
    ...entry.types.map((type) => mapLeaf(entry, type)),
  ]);
  const reductions = REDUCTIONS.flatMap((entry) => [
    reductionPublic(entry),
    ...Object.keys(ARRAY).map((type) => reductionLeaf(entry, type)),
    ...(entry.wide ? [reductionLeaf({ ...entry, simd: { f32: entry.wideSimd } }, 'f32', 'Wide')] : []),
  ]);
  const scalars = [...new Set(REDUCTIONS.flatMap(({ scalar }) => scalar.match(/\w+Scalar/g)))].toSorted(
    (a, b) => (a < b ? -1 : 1),
  );
  return {
    'elementwise.ts': [
      HEAD,
      "import { allocate } from '@hotpath/memory';\n",
      "import { simd as importedSimd, simdKernels } from '../instance.ts';",
      "import { ADDRESS as IMPORTED_ADDRESS, checkBounds, checkInt32, foreignKind, isApart, isolate, isolateMask, locate, overtakes, refuseLength, refuseNumber, refuseRoom, refuseType } from '../operands.ts';",
      "import type { Addressed, FloatVector, Like, Vector } from '../operands.ts';\n",
      OWN_CONSTANTS,
      maps.join('\n\n'),
      '',
    ].join('\n'),
    'reductions.ts': [
      HEAD,
      "import { simd as importedSimd, simdKernels } from '../instance.ts';",
      "import { ADDRESS as IMPORTED_ADDRESS, foreignKind, isWide, locate, refuseLength, refuseType } from '../operands.ts';",
      "import type { Addressed, Like, Vector } from '../operands.ts';",
      `import { ${scalars.join(', ')} } from '../scalar/reductions.ts';\n`,
      OWN_CONSTANTS,
      reductions.join('\n\n'),
      '',
    ].join('\n'),
  };
}
