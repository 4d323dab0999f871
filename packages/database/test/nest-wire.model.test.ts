import { FoldError } from '@hotpath/database';
import fc from 'fast-check';
import pg from 'pg';
import { expect, test } from 'vitest';
import { Folder } from '../dist/join/folder.js';
import { type NestSpec, planNest } from '../dist/join/spec.js';
import { type ResultShape, RowDecoders } from '../dist/pool/decode.js';
import { pgTypes } from '../dist/pool/pg-internals.js';
import type { FoldQuery } from '../dist/pool/fold-statement.js';

type Texts = readonly (string | null)[];

/** A kind of column: its type, and the texts that the server might send. Few, so that keys meet. */
interface Kind {
  readonly oid: number;
  readonly texts: fc.Arbitrary<string>;
}

const BIGINT = 900_001;
const FOLDED = 900_002;
const DATE = 900_003;
const decoders = new RowDecoders({
  getTypeParser: (oid) => {
    if (oid === BIGINT) return BigInt;
    // Different bytes, one value.
    if (oid === FOLDED) return (text) => text.toLowerCase();
    if (oid === DATE) return (text) => new Date(Number(text));
    return pgTypes.getTypeParser(oid, 'text');
  },
});

const small = fc.integer({ min: -2, max: 12 }).map(String);
const kinds: readonly Kind[] = [
  { oid: pg.types.builtins.INT4, texts: small },
  { oid: pg.types.builtins.INT4, texts: small },
  // As text.
  { oid: pg.types.builtins.INT8, texts: small },
  {
    oid: pg.types.builtins.TEXT,
    texts: fc.constantFrom('a', 'b', 'ab', '', 'Z', '1a', '10a', 'ä'.repeat(70)),
  },
  { oid: pg.types.builtins.FLOAT8, texts: fc.constantFrom('0', '-0', '1', '1.5', 'NaN') },
  { oid: FOLDED, texts: fc.constantFrom('a', 'A', 'b', 'B') },
  { oid: pg.types.builtins.BOOL, texts: fc.constantFrom('t', 'f') },
  { oid: BIGINT, texts: small },
  { oid: DATE, texts: fc.constantFrom('0', '1', '2') },
];

const columns = ['a', 'b', 'c', 'd', 'e', 'f'] as const;
const column = fc.constantFrom(...columns);
const key = fc.oneof({ weight: 3, arbitrary: column }, { weight: 1, arbitrary: fc.tuple(column, column) });
// Members need not hold the key.
const fields = fc
  .uniqueArray(column, { maxLength: 3 })
  .map((names) => Object.fromEntries(names.map((name) => [`_${name}`, name])));

function specOf(depth: number): fc.Arbitrary<NestSpec<never>> {
  const leaf = fc.record({ key, fields });
  if (depth === 0) return leaf;
  const below = (name: string): fc.Arbitrary<object> =>
    fc
      .array(specOf(depth - 1), { maxLength: 2 })
      .map((specs) => Object.fromEntries(specs.map((spec, index) => [`${name}${index}`, spec])));
  const one = fc.oneof({ weight: 3, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: below('one') });
  return fc
    .tuple(leaf, below('many'), one)
    .map(([base, many, one]) => ({ ...base, many, one }) as NestSpec<never>);
}

const orderOf = (shape: ResultShape, texts: Texts): unknown[] =>
  texts.map((text, at) => (text === null ? null : (shape.parsers[at] ?? String)(text)));

const table = fc
  .record({
    kinds: fc.tuple(...columns.map(() => fc.constantFrom(...kinds))),
    count: fc.integer({ min: 0, max: 40 }),
    // In order up to a place, and from there on not.
    ordered: fc.oneof(fc.constant(0), fc.constant(40), fc.integer({ min: 0, max: 40 })),
    nulls: fc.boolean(),
  })
  .chain(({ kinds, count, ordered, nulls }) => {
    const shape = decoders.for(columns.map((name, at) => ({ name, dataTypeID: kinds[at]!.oid })));
    const row = fc.tuple(...kinds.map(({ texts }) => (nulls ? fc.option(texts, { freq: 6 }) : texts)));
    return fc.array(row, { minLength: count, maxLength: count }).map((rows) => {
      const head = rows.slice(0, ordered).sort((x, y) => {
        const [p, q] = [orderOf(shape, x), orderOf(shape, y)] as [number[], number[]];
        const at = columns.findIndex((_, index) => p[index] !== q[index]);
        return at < 0 ? 0 : p[at] === null ? 1 : q[at] === null ? -1 : p[at]! > q[at]! ? 1 : -1;
      });
      return { shape, rows: [...head, ...rows.slice(ordered)] as Texts[] };
    });
  });

/** Writes a row as it is on the wire, behind the number of columns; returns its end. */
function writeRow(into: Buffer, texts: Texts): number {
  let at = 3;
  for (const text of texts) {
    const bytes = text === null ? -1 : into.write(text, at + 4);
    at = into.writeInt32BE(bytes, at) + Math.max(bytes, 0);
  }
  return at;
}

/** A session of ours that sends these rows; each is gone with the next one. */
function sessionOf(shape: ResultShape, rows: readonly Texts[]): never {
  const session = {
    hotpathPool: { plain: false },
    query: () => Promise.reject(new Error('no rows were asked for')),
    async hotpathFold({ open }: FoldQuery) {
      let folder;
      const bytes = Buffer.alloc(8_192);
      for (const row of rows) {
        const end = writeRow(bytes.fill(0xff), row);
        folder ??= open(shape);
        folder.take(bytes, 3, end);
      }
      return folder?.end() ?? [];
    },
  };
  return session as never;
}

const outcome = async (run: () => unknown): Promise<unknown> => {
  try {
    return { value: await run() };
  } catch (error) {
    return { error: (error as Error).message };
  }
};

test('rows folded while they come give what the fold of the rows gives, errors included', async () => {
  await fc.assert(
    fc.asyncProperty(specOf(2), table, async (spec, { shape, rows }) => {
      const bytes = Buffer.alloc(8_192);
      const plain = rows.map((row) => shape.decode(bytes, 3, writeRow(bytes, row)));
      const folder = new Folder(planNest(spec));
      const expected = await outcome(() => folder.fold(plain));
      expect(await outcome(() => folder.load(sessionOf(shape, rows), '', []))).toEqual(expected);
      // The compiled fold is kept for the next result of the same shape.
      expect(await outcome(() => folder.load(sessionOf(shape, rows), '', []))).toEqual(expected);
    }),
    { numRuns: 300 },
  );
});

test('a parent that is repeated is decoded once', async () => {
  const decoded: string[] = [];
  const counting = new RowDecoders({
    getTypeParser: (oid) =>
      oid === 1
        ? (text) => {
            decoded.push(text);
            return text;
          }
        : (text) => text,
  });
  const shape = counting.for([
    { name: 'id', dataTypeID: 1 },
    { name: 'name', dataTypeID: 1 },
    { name: 'post', dataTypeID: 2 },
  ]);
  const folder = new Folder(
    planNest({
      key: 'id',
      fields: { id: 'id', name: 'name' },
      many: { posts: { key: 'post', fields: { post: 'post' } } },
    }),
  );
  const rows = ['a', 'b'].flatMap((id) => ['1', '2', '3'].map((post) => [id, `name of ${id}`, post]));
  expect(await folder.load(sessionOf(shape, rows), '', [])).toHaveLength(2);
  expect(decoded).toEqual(['a', 'name of a', 'b', 'name of b']);
});

test('bytes that are no row are refused, however they are wrong', async () => {
  const folder = new Folder(planNest({ key: 'a', fields: { b: 'b' } }));
  const shape = decoders.for([
    { name: 'a', dataTypeID: pg.types.builtins.INT4 },
    { name: 'b', dataTypeID: pg.types.builtins.TEXT },
  ]);
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 24 }), fc.nat(3), async (noise, at) => {
      const bytes = Buffer.from(noise);
      let error: unknown;
      let decoded: unknown;
      try {
        decoded = shape.decode(bytes, at, bytes.length);
      } catch (cause) {
        error = cause;
      }
      const session = {
        hotpathPool: { plain: false },
        hotpathFold: async ({ open }: FoldQuery) => {
          const rows = open(shape);
          rows.take(bytes, at, bytes.length);
          return rows.end();
        },
        query: () => Promise.reject(new Error('no rows were asked for')),
      };
      const folded = folder.load(session, '', []);
      // Both or neither.
      if (error !== undefined) await expect(folded).rejects.toBeInstanceOf(RangeError);
      else if ((decoded as { a: number | null }).a === null)
        await expect(folded).rejects.toBeInstanceOf(FoldError);
      else expect(await folded).toEqual([{ b: (decoded as { b: string }).b }]);
    }),
  );
});
