import type { ResultField } from '../queryable.ts';
import { type BinaryReader, binaryReader } from './binary.ts';
import type { TypeParsers } from './options.ts';
import { isPgBoolean, readsInteger } from './pg-parsers.ts';

/**
 * Makes a row of one DataRow's values: from `at`, behind the number of columns, to `end`. Throws when they do not end there.
 */
export type RowDecoder = (bytes: Buffer, at: number, end: number) => object;

/** Makes a value of a column's text. */
export type Parser = (text: string) => unknown;

/** An OID that is no type's: what the parsers do with it is what they do when they leave a text alone. */
const NO_OID = 0xffff_fffe;

/** Shapes that are kept. */
const MAX_SHAPES = 500;

/** Rows after which a decoder is compiled, which costs as much as some hundred rows. */
const COMPILE_AFTER_ROWS = 100;

/** Columns of a result and what makes rows of them. All results of a pool that look the same share one. */
export class ResultShape {
  readonly fields: readonly ResultField[];
  readonly names: readonly string[];
  /** `undefined` leaves the text as it is. */
  readonly parsers: readonly (Parser | undefined)[];
  /** What reads a column that is to come in binary form; without any such column, nothing at all. */
  readonly binary: readonly (BinaryReader | undefined)[] | undefined;
  /** A loop over the columns at first, then one object literal (without `eval`, the loop for good). */
  decode: RowDecoder;

  constructor(
    fields: readonly ResultField[],
    parsers: readonly (Parser | undefined)[],
    binary?: readonly (BinaryReader | undefined)[],
  ) {
    this.fields = fields;
    this.names = fields.map((field) => field.name);
    this.parsers = parsers;
    this.binary = binary?.some((reader) => reader !== undefined) ? binary : undefined;
    const loop = interpret(this.names, parsers, this.binary);
    let rows = 0;
    this.decode = (bytes, at, end) => {
      if (++rows === COMPILE_AFTER_ROWS) this.decode = compile(this.names, parsers, this.binary) ?? loop;
      return loop(bytes, at, end);
    };
  }
}

/** Result shapes by the names and types of their columns. */
export class RowDecoders {
  readonly #types: TypeParsers;
  readonly #identity: Parser;
  readonly #known = new Map<string, ResultShape>();

  constructor(types: TypeParsers) {
    this.#types = types;
    this.#identity = types.getTypeParser(NO_OID, 'text');
  }

  /** @param binary whether columns come in binary form where that can be read. */
  for(fields: readonly ResultField[], binary = false): ResultShape {
    const key = JSON.stringify([binary, fields.map((field) => [field.name, field.dataTypeID])]);
    let shape = this.#known.get(key);
    if (shape !== undefined) return shape;
    const parsers = fields.map((field) => this.#parser(field.dataTypeID));
    shape = new ResultShape(
      fields.map(({ name, dataTypeID }) => ({ name, dataTypeID })),
      parsers,
      binary ? fields.map((field, index) => binaryReader(field.dataTypeID, parsers[index])) : undefined,
    );
    if (this.#known.size >= MAX_SHAPES) this.#known.delete(this.#known.keys().next().value!);
    this.#known.set(key, shape);
    return shape;
  }

  #parser(oid: number): Parser | undefined {
    const parser = this.#types.getTypeParser(oid, 'text');
    return parser === this.#identity ? undefined : parser;
  }
}

/** Names of an expression's variables: the parser, and where the bytes lie in `b`. */
export interface ReadingNames {
  readonly parser: string;
  readonly at: string;
  readonly length: string;
}

/** The expression that reads a value. Making a string of a few digits costs several times what reading them does. */
export function reading(parser: Parser | undefined, { parser: p, at: a, length: n }: ReadingNames): string {
  const text = `b.utf8Slice(${a},${a}+${n})`;
  if (parser === undefined) return text;
  if (readsInteger(parser)) return `integer(b,${a},${n},${p})`;
  // The server sends `t` or `f`.
  if (isPgBoolean(parser)) return `${n}===1&&b[${a}]===116?true:${n}===1&&b[${a}]===102?false:${p}(${text})`;
  return `${p}(${text})`;
}

/** Up to ten digits, which every integer below 2^32 fits in; anything else is left to the parser. */
export function integer(bytes: Buffer, at: number, length: number, parser: Parser): unknown {
  let value = 0;
  const negative = bytes[at] === 0x2d;
  const end = at + length;
  let digit = negative ? at + 1 : at;
  if (digit < end && end - digit <= 10) {
    for (; digit < end; digit++) {
      const figure = bytes[digit]! - 0x30;
      if (!(figure >= 0 && figure <= 9)) break;
      value = value * 10 + figure;
    }
    if (digit === end && (value !== 0 || !negative)) return negative ? -value : value;
  }
  return parser(bytes.toString('utf8', at, end));
}

/** `undefined` where code may not be made of strings. */
export function compile(
  names: readonly string[],
  parsers: readonly (Parser | undefined)[],
  binary: readonly (BinaryReader | undefined)[] = [],
): RowDecoder | undefined {
  const locals = parsers.map((parser, index) => {
    return binary[index] ? `const r${index}=r[${index}];` : parser ? `const p${index}=p[${index}];` : '';
  });
  const reads = parsers.map((parser, index) => {
    const read = binary[index]
      ? `r${index}(b,a,n)`
      : reading(parser, { parser: `p${index}`, at: 'a', length: 'n' });
    return `n=b[a]<<24|b[a+1]<<16|b[a+2]<<8|b[a+3];a+=4;let v${index}=null;if(n>=0){v${index}=${read};a+=n}else if(n!==-1)wrongLength(a,e);`;
  });
  const members = names.map((name, index) => {
    // A computed name makes an ordinary property even of `__proto__`; the others are faster as they are.
    const key = name === '__proto__' ? `['__proto__']` : JSON.stringify(name);
    return `${key}:v${index}`;
  });
  try {
    // oxlint-disable-next-line typescript/no-implied-eval -- names are JSON strings, everything else is ours
    return new Function(
      'p',
      'r',
      'wrongLength',
      'integer',
      `${locals.join('')}return (b,a,e)=>{let n;${reads.join('')}if(a!==e)wrongLength(a,e);return {${members.join(',')}};}`,
    )(parsers, binary, wrongLength, integer) as RowDecoder;
  } catch {
    return undefined;
  }
}

export function interpret(
  names: readonly string[],
  parsers: readonly (Parser | undefined)[],
  binary: readonly (BinaryReader | undefined)[] = [],
): RowDecoder {
  const proto = names.includes('__proto__');
  return (bytes, at, end) => {
    const row: Record<string, unknown> = {};
    for (let index = 0; index < names.length; index++) {
      const length = bytes.readInt32BE(at);
      at += 4;
      const parser = parsers[index];
      let value: unknown = null;
      if (length >= 0) {
        const reader = binary[index];
        if (reader === undefined) {
          const text = bytes.toString('utf8', at, at + length);
          value = parser === undefined ? text : parser(text);
        } else {
          value = reader(bytes, at, length);
        }
        at += length;
      } else if (length !== -1) {
        wrongLength(at, end);
      }
      const name = names[index]!;
      if (proto && name === '__proto__') {
        Object.defineProperty(row, name, { value, writable: true, enumerable: true, configurable: true });
      } else {
        row[name] = value;
      }
    }
    if (at !== end) wrongLength(at, end);
    return row;
  };
}

/** The values and their lengths do not fill the message: whatever it was, it is no row. */
export function wrongLength(at: number, end: number): never {
  throw new RangeError(
    `a row's values end ${Math.abs(at - end)} bytes ${at > end ? 'beyond' : 'before'} its end`,
  );
}
