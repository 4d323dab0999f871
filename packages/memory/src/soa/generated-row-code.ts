import type { Field } from './fields.ts';
import { isVector, refuse, type RowCode } from './row-code.ts';

/**
 * Writes and compiles the code of a layout. For `{ x: 'f32', alive: 'bool', pos: 'f32x3' }` it is
 *
 * ```js
 * class Cursor {
 *   constructor(state) { this.index = 0; this.$state = state; this.pos = new Vector2(this); }
 *   get x() { return this.$state.c0[this.index]; }
 *   set x(value) { this.$state.c0[this.index] = value; }
 *   get alive() { return (this.$state.c1[this.index >>> 3] & (1 << (this.index & 7))) !== 0; }
 *   …
 * }
 * ```
 *
 * Code of its own for each layout keeps every access monomorphic, whatever other layouts the program has. Only names
 * that `parseFields` let through reach the text; words of enums stay data.
 *
 * @throws EvalError when code generation is off.
 */
export function generateRowCode(fields: readonly Field[]): RowCode {
  const source = [
    '"use strict";',
    ...fields.map((field, i) => (field.kind === 'vector' ? vectorClass(field, i) : enumTable(field, i))),
    'class Cursor {',
    'constructor(state) {',
    'this.index = 0; this.$state = state;',
    ...fields.map((field, i) =>
      field.kind === 'vector' ? `this.${field.name} = new Vector${i}(this);` : '',
    ),
    '}',
    'toObject() { return read(this.$state, this.index); }',
    ...fields.map((field, i) => accessors(field, i)),
    '}',
    'function read(state, index) { return {',
    ...fields.map((field, i) => `${field.name}: ${readExpression(field, i)},`),
    '}; }',
    'function write(state, index, row) {',
    ...fields.map((field, i) => `const v${i} = row.${field.name};`),
    ...fields.map((field, i) => checkStatement(field, i)),
    ...fields.map((field, i) => writeStatement(field, i)),
    '}',
    `function state(views) { return { ${fields.map((_, i) => `c${i}: views[${i}]`).join(', ')} }; }`,
    `function columns(views) { return { ${fields.map(({ name }, i) => `${name}: views[${i}]`).join(', ')} }; }`,
    'return { read, write, state, columns, cursor: (state) => new Cursor(state) };',
  ].join('\n');
  // oxlint-disable-next-line typescript/no-implied-eval -- see above; the text holds no input but checked names
  return new Function('fields', 'refuse', 'isVector', source)(fields, refuse, isVector) as RowCode;
}

function enumTable(field: Field, i: number): string {
  if (field.kind !== 'enum') return '';
  return `const words${i} = fields[${i}].words; const codes${i} = new Map(words${i}.map((word, code) => [word, code]));`;
}

function vectorClass({ lanes }: Field, i: number): string {
  const names = ['x', 'y', 'z', 'w'].slice(0, lanes);
  return [
    `class Vector${i} {`,
    'constructor(cursor) { this.$cursor = cursor; }',
    `get lanes() { return ${lanes}; }`,
    ...names.map((name, lane) => {
      const place = `this.$cursor.$state.c${i}[this.$cursor.index * ${lanes} + ${lane}]`;
      return `get ${name}() { return ${place}; } set ${name}(value) { ${place} = value; }`;
    }),
    `get(lane) { return this.$cursor.$state.c${i}[this.$cursor.index * ${lanes} + lane]; }`,
    `set(lane, value) { this.$cursor.$state.c${i}[this.$cursor.index * ${lanes} + lane] = value; }`,
    `toArray() { const state = this.$cursor.$state, index = this.$cursor.index; return ${vectorLiteral(lanes, i)}; }`,
    '}',
  ].join('\n');
}

function accessors(field: Field, i: number): string {
  const { name, kind } = field;
  const at = `this.$state.c${i}`;
  if (kind === 'vector') return '';
  if (kind === 'number') {
    return `get ${name}() { return ${at}[this.index]; } set ${name}(value) { ${at}[this.index] = value; }`;
  }
  if (kind === 'enum') {
    return [
      `get ${name}() { return words${i}[${at}[this.index]]; }`,
      `set ${name}(value) { const code = codes${i}.get(value); if (code === undefined) refuse(fields[${i}], value); ${at}[this.index] = code; }`,
    ].join('\n');
  }
  return [
    `get ${name}() { return (${at}[this.index >>> 3] & (1 << (this.index & 7))) !== 0; }`,
    `set ${name}(value) { const index = this.index; if (value) ${at}[index >>> 3] |= 1 << (index & 7); else ${at}[index >>> 3] &= ~(1 << (index & 7)); }`,
  ].join('\n');
}

function readExpression({ kind, lanes }: Field, i: number): string {
  if (kind === 'number') return `state.c${i}[index]`;
  if (kind === 'enum') return `words${i}[state.c${i}[index]]`;
  if (kind === 'bool') return `(state.c${i}[index >>> 3] & (1 << (index & 7))) !== 0`;
  return vectorLiteral(lanes, i);
}

function vectorLiteral(lanes: number, i: number): string {
  const places = Array.from({ length: lanes }, (_, lane) => `state.c${i}[index * ${lanes} + ${lane}]`);
  return `[${places.join(', ')}]`;
}

function checkStatement({ kind, isBig }: Field, i: number): string {
  if (kind === 'enum')
    return `const code${i} = codes${i}.get(v${i}); if (code${i} === undefined) refuse(fields[${i}], v${i});`;
  if (kind === 'vector') return `if (!isVector(fields[${i}], v${i})) refuse(fields[${i}], v${i});`;
  const type = kind === 'bool' ? 'boolean' : isBig ? 'bigint' : 'number';
  return `if (typeof v${i} !== '${type}') refuse(fields[${i}], v${i});`;
}

function writeStatement({ kind, lanes }: Field, i: number): string {
  if (kind === 'number') return `state.c${i}[index] = v${i};`;
  if (kind === 'enum') return `state.c${i}[index] = code${i};`;
  if (kind === 'bool') {
    return `if (v${i}) state.c${i}[index >>> 3] |= 1 << (index & 7); else state.c${i}[index >>> 3] &= ~(1 << (index & 7));`;
  }
  return Array.from(
    { length: lanes },
    (_, lane) => `state.c${i}[index * ${lanes} + ${lane}] = v${i}[${lane}];`,
  ).join(' ');
}
