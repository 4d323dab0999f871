import type { ResultField } from '../queryable.ts';
import type { TypeParsers } from './options.ts';

/** Makes a row of the texts of one DataRow. */
export type RowDecoder = (texts: readonly (string | null)[]) => object;

type Parser = (text: string) => unknown;

/** An OID that is no type's: what the parsers do with it is what they do when they leave a text alone. */
const NO_OID = 0xffff_fffe;

/** Shapes whose decoders are kept. */
const MAX_SHAPES = 500;

/**
 * Decoders by the shape of the result (names and types of its columns). A shape is compiled to one object literal when it
 * is seen the second time, because compiling costs as much as some hundred rows; without `eval`, a loop does it.
 */
export class RowDecoders {
  readonly #types: TypeParsers;
  readonly #identity: Parser;
  readonly #known = new Map<string, RowDecoder | undefined>();

  constructor(types: TypeParsers) {
    this.#types = types;
    this.#identity = types.getTypeParser(NO_OID, 'text');
  }

  for(fields: readonly ResultField[]): RowDecoder {
    const shape = JSON.stringify(fields.map((field) => [field.name, field.dataTypeID]));
    const known = this.#known.get(shape);
    if (known !== undefined) return known;
    const parsers = fields.map((field) => this.#parser(field.dataTypeID));
    const names = fields.map((field) => field.name);
    if (!this.#known.has(shape)) {
      if (this.#known.size >= MAX_SHAPES) this.#known.delete(this.#known.keys().next().value!);
      this.#known.set(shape, undefined);
      return interpret(names, parsers);
    }
    const decoder = compile(names, parsers) ?? interpret(names, parsers);
    this.#known.set(shape, decoder);
    return decoder;
  }

  /** `undefined` leaves the text as it is. */
  #parser(oid: number): Parser | undefined {
    const parser = this.#types.getTypeParser(oid, 'text');
    return parser === this.#identity ? undefined : parser;
  }
}

/** `undefined` where code may not be made of strings. */
export function compile(
  names: readonly string[],
  parsers: readonly (Parser | undefined)[],
): RowDecoder | undefined {
  const locals = parsers.map((parser, index) => (parser ? `const p${index}=p[${index}];` : '')).join('');
  const members = names.map((name, index) => {
    // A computed name makes an ordinary property even of `__proto__`; the others are faster as they are.
    const key = name === '__proto__' ? `['__proto__']` : JSON.stringify(name);
    return parsers[index] ? `${key}:t[${index}]===null?null:p${index}(t[${index}])` : `${key}:t[${index}]`;
  });
  try {
    // oxlint-disable-next-line typescript/no-implied-eval -- names are JSON strings, everything else is ours
    return new Function('p', `${locals}return (t)=>({${members.join(',')}});`)(parsers) as RowDecoder;
  } catch {
    return undefined;
  }
}

export function interpret(names: readonly string[], parsers: readonly (Parser | undefined)[]): RowDecoder {
  const proto = names.includes('__proto__');
  return (texts) => {
    const row: Record<string, unknown> = {};
    for (let index = 0; index < names.length; index++) {
      const text = texts[index]!;
      const parser = parsers[index];
      const value = text === null || parser === undefined ? text : parser(text);
      const name = names[index]!;
      if (proto && name === '__proto__') {
        Object.defineProperty(row, name, { value, writable: true, enumerable: true, configurable: true });
      } else {
        row[name] = value;
      }
    }
    return row;
  };
}
