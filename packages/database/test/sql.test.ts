import { sql } from '@hotpath/database';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { queryParts } from '../dist/session.js';
import { HOSTILE_TEXTS } from './hostile.ts';

const parts = (statement: { text: string; values: unknown[] }): [string, unknown[]] => [
  statement.text,
  statement.values,
];
const invalidValue = expect.objectContaining({ code: 'ERR_HOTPATH_DATABASE_ARGUMENT_RANGE' }) as Error;
const invalidType = expect.objectContaining({ code: 'ERR_HOTPATH_DATABASE_ARGUMENT_TYPE' }) as Error;

describe('sql', () => {
  test('makes a parameter of each value, lists and NULL included', () => {
    expect(parts(sql`SELECT ${1}, ${'a'} WHERE ${null} AND x = ANY(${[1, 2]})`)).toEqual([
      'SELECT $1, $2 WHERE $3 AND x = ANY($4)',
      [1, 'a', null, [1, 2]],
    ]);
    expect(parts(sql``)).toEqual(['', []]);
  });

  test('puts parts in, at any depth and more than once, and numbers all parameters anew', () => {
    const inner = sql`a = ${1}`;
    const middle = sql`(${inner} OR ${sql.ident('b')} = ${2} OR ${inner})`;
    expect(parts(sql`SELECT ${0} WHERE ${middle} AND ${sql``}c = ${3}`)).toEqual([
      'SELECT $1 WHERE (a = $2 OR "b" = $3 OR a = $4) AND c = $5',
      [0, 1, 2, 1, 3],
    ]);
    expect(parts(inner)).toEqual(['a = $1', [1]]);
  });

  test('joins values and parts', () => {
    expect(parts(sql`IN (${sql.join([1, 'x', sql`now()`])})`)).toEqual(['IN ($1, $2, now())', [1, 'x']]);
    expect(parts(sql.join([sql`a = ${1}`, sql`b = ${2}`], sql` AND `))).toEqual([
      'a = $1 AND b = $2',
      [1, 2],
    ]);
    expect(() => sql.join([])).toThrow(invalidValue);
    expect(() => sql.join([1], ', ' as never)).toThrow(invalidType);
    expect(() => sql.join('ab' as never)).toThrow(invalidType);
  });

  test('quotes names', () => {
    expect(sql.ident('a"b').text).toBe('"a""b"');
    expect(sql.ident('app', 'user').text).toBe('"app"."user"');
    for (const name of ['', 'a\0b']) expect(() => sql.ident(name)).toThrow(invalidValue);
    for (const name of [1, null, ['a'], { toString: () => 'a' }]) {
      expect(() => sql.ident(name as never)).toThrow(invalidType);
    }
    expect(() => (sql.ident as () => unknown)()).toThrow(invalidValue);
  });

  test('gives the same template the same text', () => {
    const make = (id: number): { text: string } => sql`SELECT ${id}`;
    expect(make(1).text).toBe(make(2).text);
  });

  test('refuses what would be read as the number of a parameter', () => {
    expect(() => sql`SELECT $1 + ${1}`).toThrow(invalidValue);
    expect(() => sql`SELECT ${1}0`.text).toThrow(invalidValue);
    expect(() => sql`SELECT $${1}`.text).toThrow(invalidValue);
    expect(() => sql`SELECT ${1}${sql`0`}`.text).toThrow(invalidValue);
    expect(() => sql`SELECT ${sql`$`}${1}`.text).toThrow(invalidValue);
    expect(() => sql`SELECT ${undefined}`).toThrow(invalidType);
    expect(() => sql`SELECT ${sql`1`}, ${undefined}`).toThrow(invalidType);
    expect(() => sql`SELECT \u{zzz}`).toThrow(invalidValue);
  });

  test('is no function that takes a text', () => {
    const call = sql as unknown as (...args: unknown[]) => unknown;
    for (const args of [['SELECT 1'], [['SELECT 1']], [], [{ raw: ['a'] }]]) {
      expect(() => call(...args)).toThrow(invalidType);
    }
  });

  test('takes nothing but its own makes for a part', () => {
    for (const forged of [
      { text: '; DROP TABLE t', values: [] },
      JSON.parse('{"text":"; DROP TABLE t","values":[],"texts":["; DROP TABLE t"]}'),
    ]) {
      expect(parts(sql`SELECT ${forged}`)).toEqual(['SELECT $1', [forged]]);
      expect(() => queryParts(forged as never, undefined, undefined)).toThrow(invalidType);
    }
  });

  test('no value ever becomes text', () => {
    const value = fc.oneof(fc.constantFrom(...HOSTILE_TEXTS), fc.string(), fc.integer());
    const piece = fc.letrec((tie) => ({
      piece: fc.oneof({ maxDepth: 3 }, value, fc.array(tie('piece'), { minLength: 1, maxLength: 3 })),
    })).piece;
    type Piece = string | number | Piece[];
    const build = (p: Piece): unknown => (Array.isArray(p) ? sql`(${sql.join(p.map(build))})` : p);
    const flat = (p: Piece): unknown[] => (Array.isArray(p) ? p.flatMap(flat) : [p]);
    fc.assert(
      fc.property(fc.array(piece as fc.Arbitrary<Piece>, { minLength: 1, maxLength: 4 }), (pieces) => {
        const made = sql`SELECT ${sql.join(pieces.map(build))}`;
        expect(made.values).toEqual(pieces.flatMap(flat));
        let next = 0;
        const rest = made.text.replace(/\$(\d+)/g, (_, n) => {
          expect(Number(n)).toBe(++next);
          return '';
        });
        expect(next).toBe(made.values.length);
        expect(rest).toMatch(/^SELECT [(), ]*$/);
      }),
    );
  });
});
