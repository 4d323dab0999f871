import { type ResultShape, integer, reading, wrongLength } from '../pool/decode.ts';
import { readsInteger } from '../pool/pg-parsers.ts';
import { BEYOND, type Columns, type Level, numberLevels, orderedLevel, orderedState } from './ordered.ts';
import type { NestPlan } from './spec.ts';

/** The ordered fold of one result, row by row as the server sends them. */
export interface OrderedFold {
  /** Objects so far. */
  readonly list: object[];
  /** Values of key columns that no field holds, by level and place in the key, one for each object of the level. */
  readonly keys: readonly (readonly (unknown[] | undefined)[])[];
  /** Folds a row, given as to a row's decoder. False: it is out of order, and was folded in part or not at all. */
  take(bytes: Buffer, at: number, end: number): boolean;
}

/**
 * Compiles the ordered fold of compile.ts for rows as they are on the wire. It finds where each value lies, and then decodes the
 * keys, and what belongs to objects that are new: columns of a parent that the row repeats are skipped.
 *
 * ```
 *   n0 o0 … n5 o5 = length and place of each value
 *   user's key: the last one, where its bytes are the same; else decoded, compared, and its bytes kept
 *   new user:   {id: key, name: decode(o1, n1), posts: []}
 * ```
 *
 * Whole numbers are decoded at once, which costs no more than comparing; so are the keys of objects with none below, which
 * hardly ever come twice. Different bytes may be the same value: the values decide, as in the fold of rows.
 *
 * @returns `undefined` where code may not be made of strings.
 */
export function compileWire(plan: NestPlan, shape: ResultShape): (() => OrderedFold) | undefined {
  try {
    // oxlint-disable-next-line typescript/no-implied-eval -- names and columns are JSON strings, everything else is ours
    return new Function('p', 'wrongLength', 'integer', 'isSame', 'keepBytes', sourceOf(plan, shape))(
      shape.parsers,
      wrongLength,
      integer,
      isSame,
      keepBytes,
    ) as () => OrderedFold;
  } catch {
    return undefined;
  }
}

function sourceOf(plan: NestPlan, shape: ResultShape): string {
  const levels: Level[] = [];
  const root = numberLevels(plan, '', true, levels);
  const wire = new WireColumns(shape);
  const step = orderedLevel(root, undefined, wire, 'return false;');
  const keys = levels.map(
    (level) => `[${level.plan.key.map((column) => (isHidden(level, column) ? '[]' : 'undefined')).join()}]`,
  );
  return `'use strict';
${BEYOND}
${shape.parsers.map((parser, at) => (parser === undefined ? '' : `const p${at} = p[${at}];`)).join('')}
return () => {
  ${orderedState(root, levels)}
  const keys = [${keys.join()}];
  ${wire.state()}
  const take = (b, a, e) => {
    ${wire.scan()}
    ${step}
    return true;
  };
  return { list: list${root.id}, keys, take };
};`;
}

/** No field of the level holds this column of its key. */
export function isHidden({ plan }: Level, column: string): boolean {
  return !plan.fields.some(([, field]) => field === column);
}

/** Columns by their places in the message: column 3 has `n3` bytes at `o3`. */
class WireColumns implements Columns {
  readonly #shape: ResultShape;
  readonly #compared: string[] = [];

  constructor(shape: ResultShape) {
    this.#shape = shape;
  }

  /** Statements that find all values, and refuse a row whose lengths do not fill it. */
  scan(): string {
    const places = this.#shape.names.map(
      (_, at) =>
        `const n${at} = b[a] << 24 | b[a + 1] << 16 | b[a + 2] << 8 | b[a + 3], o${at} = a + 4; a = n${at} > 0 ? o${at} + n${at} : o${at};`,
    );
    const tooShort = this.#shape.names.map((_, at) => ` || n${at} < -1`).join('');
    return `${places.join('\n    ')}\n    if (a !== e${tooShort}) wrongLength(a, e);`;
  }

  state(): string {
    return this.#compared.map((name) => `let bytes${name}, size${name} = -2;`).join(' ');
  }

  readonly value = (column: string): string => {
    const at = this.#place(column);
    return `(n${at} < 0 ? null : ${this.#read(at)})`;
  };

  key(column: string, name: string, level: Level): string {
    const at = this.#place(column);
    if (!this.#isCompared(at, level)) return this.value(column);
    this.#compared.push(name);
    return `n${at} < 0 ? null : n${at} === size${name} && isSame(b, o${at}, bytes${name}, n${at}) ? last${name} : ${this.#read(at)}`;
  }

  remember(column: string, name: string, level: Level): string {
    const at = this.#place(column);
    const kept = this.#isCompared(at, level)
      ? `size${name} = n${at}; bytes${name} = keepBytes(b, o${at}, n${at}, bytes${name});`
      : '';
    if (!isHidden(level, column)) return kept;
    const [id, place] = name.split('_');
    return `${kept} keys[${id}][${place}].push(key${name});`;
  }

  forget(level: Level): string {
    return this.#isCompared(this.#place(level.plan.key[0]!), level) ? `size${level.id}_0 = -2;` : '';
  }

  #isCompared(at: number, level: Level): boolean {
    return level.below.length > 0 && !readsInteger(this.#shape.parsers[at]);
  }

  /** Of two columns with one name the last counts, as in a row. */
  #place(column: string): number {
    return this.#shape.names.lastIndexOf(column);
  }

  /** The same expression as in a decoder of whole rows, with its names for the bytes, the place and the length. */
  #read(at: number): string {
    return reading(this.#shape.parsers[at], { parser: `p${at}`, at: `o${at}`, length: `n${at}` });
  }
}

/** Whether the bytes of a key are those that were kept. From the end: that is where texts with a number differ. */
function isSame(bytes: Buffer, at: number, kept: Uint8Array, size: number): boolean {
  for (let index = size - 1; index >= 0; index--) if (bytes[at + index] !== kept[index]) return false;
  return true;
}

/** Copies a key out of a message, which is gone with the next one. */
function keepBytes(bytes: Buffer, at: number, size: number, before: Uint8Array | undefined): Uint8Array {
  const kept =
    before !== undefined && before.length >= size ? before : new Uint8Array(Math.max(64, size * 2));
  for (let index = 0; index < size; index++) kept[index] = bytes[at + index]!;
  return kept;
}
