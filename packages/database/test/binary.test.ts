import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RowDecoders, compile, interpret } from '../dist/pool/decode.js';
import { pgTypes } from '../dist/pool/pg-internals.js';

/** `bool`, `int2`, `int4`, `oid`, `float8`, and one that stays a text. */
const FIELDS = [16, 21, 23, 26, 701, 25].map((dataTypeID) => ({ name: `c${dataTypeID}`, dataTypeID }));

/** A row's values as the server sends them, each after its length. */
function wire(values: readonly (Buffer | null)[]): Buffer {
  return Buffer.concat(
    values.flatMap((value) => {
      const length = Buffer.alloc(4);
      length.writeInt32BE(value?.length ?? -1);
      return value === null ? [length] : [length, value];
    }),
  );
}

function bytes(size: number, write: (into: Buffer) => unknown): Buffer {
  const buffer = Buffer.alloc(size);
  write(buffer);
  return buffer;
}

describe('columns in binary form', () => {
  const shape = new RowDecoders(pgTypes).for(FIELDS, true);
  const decoders = [
    compile(shape.names, shape.parsers, shape.binary)!,
    interpret(shape.names, shape.parsers, shape.binary),
  ];

  test('are read as what pg makes of their texts', () => {
    const some = <Value>(value: fc.Arbitrary<Value>): fc.Arbitrary<Value | null> => fc.option(value);
    fc.assert(
      fc.property(
        some(fc.boolean()),
        some(fc.integer({ min: -32_768, max: 32_767 })),
        some(fc.integer()),
        some(fc.nat(0xffff_ffff)),
        some(fc.double()),
        some(fc.string({ unit: 'grapheme' })),
        (c16, c21, c23, c26, c701, c25) => {
          const row = wire([
            c16 === null ? null : Buffer.from([Number(c16)]),
            c21 === null ? null : bytes(2, (b) => b.writeInt16BE(c21)),
            c23 === null ? null : bytes(4, (b) => b.writeInt32BE(c23)),
            c26 === null ? null : bytes(4, (b) => b.writeUInt32BE(c26)),
            c701 === null ? null : bytes(8, (b) => b.writeDoubleBE(c701)),
            c25 === null ? null : Buffer.from(c25),
          ]);
          const expected = { c16, c21, c23, c26, c701, c25 };
          for (const decode of decoders) expect(decode(row, 0, row.length)).toEqual(expected);
        },
      ),
    );
  });

  test('that are mangled throw, and never make half a row', () => {
    const row = wire([
      Buffer.from([1]),
      Buffer.alloc(2),
      Buffer.alloc(4),
      Buffer.alloc(4),
      Buffer.alloc(8),
      null,
    ]);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(row.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        fc.integer({ min: -6, max: 6 }),
        (changes, cut) => {
          const mangled = Buffer.from(row);
          for (const [at, to] of changes) mangled[at] = to;
          const [compiled, interpreted] = decoders.map((decode) => {
            try {
              return decode(mangled, 0, mangled.length + cut);
            } catch (error) {
              return (error as Error).name;
            }
          });
          expect(compiled).toEqual(interpreted);
          if (typeof compiled === 'string') expect(compiled).toBe('RangeError');
          else expect(Object.keys(compiled!)).toEqual(shape.names);
        },
      ),
    );
  });

  test('are asked for only where a parser of pg’s own reads them', () => {
    const plain = new RowDecoders(pgTypes).for(FIELDS);
    expect(plain.binary).toBeUndefined();
    expect(plain).not.toBe(shape);
    const mine = { getTypeParser: () => (text: string) => text.length };
    expect(new RowDecoders(mine).for(FIELDS, true).binary).toBeUndefined();
    const others = [20, 25, 700, 1_700, 1_184].map((dataTypeID) => ({ name: 'a', dataTypeID }));
    expect(new RowDecoders(pgTypes).for(others, true).binary).toBeUndefined();
  });
});
