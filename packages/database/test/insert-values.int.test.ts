import { type Database, insertMany } from '@hotpath/database';
import { beforeAll, describe, expect, test } from 'vitest';
import { freshDatabase, postgresUrl } from './fresh-database.ts';

const STRATEGIES = ['unnest', 'values', 'copy'] as const;

/** Texts of the built-in types that JavaScript has no values for, extremes among them. */
const TEXTS: Readonly<Record<string, readonly string[]>> = {
  date: ['4713-01-01 BC', '0044-03-15 BC', '5874897-12-31', 'infinity', '-infinity'],
  time: ['00:00:00', '24:00:00', '23:59:59.999999'],
  timetz: ['00:00:00+15:59', '23:59:59.999999-15:59:59'],
  timestamp: ['4713-01-01 00:00:00 BC', '294276-12-31 23:59:59.999999', 'infinity', '-infinity'],
  timestamptz: [
    '0001-01-01 00:00:00+05:53:28',
    '294276-12-31 00:00:00+00',
    'infinity',
    '4713-01-02 00:00:00+00 BC',
  ],
  interval: ['1 year -2 mons 3 days 04:05:06.789', '-178000000 years', '00:00:00'],
  bigint: ['9223372036854775807', '-9223372036854775808', '9007199254740993'],
  numeric: ['NaN', 'Infinity', '-0.000000000000000000000000000001', `1${'0'.repeat(400)}`],
  money: ['$1,234.56', '-$92,233,720,368,547,758.08'],
  '"char"': ['a', '"', '\\'],
  name: ['pg_class', 'a "b"'],
  cidr: ['10.0.0.0/8', '2001:db8::/32'],
  inet: ['10.0.0.1/8', '::ffff:1.2.3.4'],
  macaddr: ['08:00:2b:01:02:03'],
  macaddr8: ['08:00:2b:01:02:03:04:05'],
  varbit: ['', '1011'],
  uuid: ['ffffffff-ffff-ffff-ffff-ffffffffffff'],
  int8range: ['[-9223372036854775808,9223372036854775807)', 'empty', '(,)'],
  numrange: ['(1.5,2.5]', '[NaN,NaN]'],
  daterange: ['[2020-01-01,infinity)'],
  tstzrange: ['["2020-01-01 00:00:00+00","2021-01-01 00:00:00+00")', '(,"2020-01-01 00:00:00+00"]'],
  int4multirange: ['{}', '{[1,2),[5,)}'],
  point: ['(1,-2.5)'],
  line: ['{1,2,3}'],
  lseg: ['[(0,0),(1,1)]'],
  path: ['((0,0),(1,1))', '[(0,0),(1,1)]'],
  polygon: ['((0,0),(1,1),(1,0))'],
  circle: ['<(0,0),5>'],
  tsvector: [`'a':1A 'b,c':2 'it''s':3`],
  tsquery: [`'a' & !'b' | 'c':*`],
  jsonpath: ['$."a"[*]?(@ > 1)'],
  xid8: ['18446744073709551615'],
  pg_lsn: ['16/B374D848'],
  regclass: ['pg_class'],
  'int[]': ['{}', '{{1,2},{3,NULL}}', '[0:1]={7,8}', '{{{{1}}},{{{2}}}}'],
  'box[]': ['{(2,2),(1,1);(4,4),(3,3)}'],
  'daterange[]': ['{"[2020-01-01,2020-01-02)",empty}'],
  'interval[]': ['{"1 day","-1 year"}'],
};

describe.skipIf(postgresUrl === '')('values that batch inserts write on a real Postgres', () => {
  const fresh = freshDatabase();
  let db: Database;

  beforeAll(async () => {
    db = fresh.keep({ max: 2 });
  });

  let table = '';
  let tables = 0;
  /** A table of its own: what was learnt of a table's columns is kept until an insert fails. */
  const create = async (type: string): Promise<void> => {
    table = `held_${tables++}`;
    await db.query(`CREATE TABLE ${table} (n int, v ${type})`);
  };
  const insert = (v: readonly unknown[], strategy: (typeof STRATEGIES)[number]): Promise<unknown> =>
    insertMany(
      db,
      table,
      v.map((value, n) => ({ n, v: value })),
      { strategy },
    );

  test('any other built-in type holds what its text means, by every strategy', async () => {
    for (const [type, texts] of Object.entries(TEXTS)) {
      await create(type);
      const expected: unknown[] = [];
      for (const text of [...texts, null]) {
        expected.push(await db.one(`SELECT $1::${type}::text AS v`, [text]));
      }
      for (const strategy of STRATEGIES) {
        await db.query(`TRUNCATE ${table}`);
        await insert([...texts, null], strategy);
        const stored = await db.many(`SELECT v::text AS v FROM ${table} ORDER BY n`);
        expect([type, strategy, stored]).toEqual([type, strategy, expected]);
      }
    }
  });

  test('dates of the furthest years, and arrays of every depth, are as they were', async () => {
    const date = (text: string): Date => new Date(text);
    const dates = [
      date('-004712-01-01T00:00:00.001Z'),
      date('0000-06-01T00:00:00Z'),
      date('0099-12-31T23:59:59.999Z'),
      date('+275760-09-13T00:00:00.000Z'),
    ];
    await create('timestamptz');
    for (const strategy of STRATEGIES) {
      await db.query(`TRUNCATE ${table}`);
      await insert(dates, strategy);
      const stored = await db.many(
        `SELECT (extract(epoch FROM v) * 1000)::bigint::text AS ms FROM ${table} ORDER BY n`,
      );
      expect(stored).toEqual(dates.map((at) => ({ ms: String(at.getTime()) })));
    }
    let nested: unknown = ['a "b"', null, '{},\\'];
    for (let depth = 1; depth <= 6; depth++, nested = [nested, nested]) {
      await create('text[]');
      for (const strategy of STRATEGIES) {
        await db.query(`TRUNCATE ${table}`);
        await insert([nested, null, []], strategy);
        const stored = await db.many(`SELECT v FROM ${table} ORDER BY n`, []);
        expect([depth, strategy, stored]).toEqual([depth, strategy, [{ v: nested }, { v: null }, { v: [] }]]);
      }
    }
  });

  test('dates of zones that were seconds off are as they were, also in arrays and as parameters', async () => {
    const before = process.env['TZ'];
    try {
      for (const [zone, times] of [
        ['America/New_York', ['1880-01-01T00:00:00Z', '0033-04-03T12:00:00.5Z', '-000099-01-01T00:00:00Z']],
        ['Asia/Kolkata', ['1700-06-01T20:30:00.001Z', '1880-01-01T00:00:00Z']],
        ['Africa/Monrovia', ['1971-12-31T23:59:59.999Z', '1972-06-01T00:00:00Z']],
        ['Europe/London', ['1700-06-01T00:00:30Z', '2000-06-01T00:00:00Z']],
      ] as const) {
        process.env['TZ'] = zone;
        const dates = times.map((text) => new Date(text));
        const expected = dates.map((date) => ({ ms: String(date.getTime()) }));
        const msOf = (from: string, values?: readonly unknown[]): Promise<unknown[]> =>
          db.many(`SELECT (extract(epoch FROM v) * 1000)::bigint::text AS ms FROM ${from}`, values);
        await create('timestamptz');
        for (const strategy of STRATEGIES) {
          await db.query(`TRUNCATE ${table}`);
          await insert(dates, strategy);
          expect(await msOf(`${table} ORDER BY n`)).toEqual(expected);
        }
        expect(await msOf('unnest($1::timestamptz[]) v', [dates])).toEqual(expected);
        for (const [index, date] of dates.entries()) {
          expect(await msOf('(SELECT $1::timestamptz) t (v)', [date])).toEqual([expected[index]]);
        }
      }
    } finally {
      if (before === undefined) delete process.env['TZ'];
      else process.env['TZ'] = before;
    }
  });

  test('what no column can hold is refused, names its rows, and leaves nothing behind', async () => {
    await create('int[]');
    for (const strategy of STRATEGIES) {
      // A ragged array, by the server.
      await expect(insert([[1], [[1, 2], [3]]], strategy)).rejects.toMatchObject({
        code: 'ERR_HOTPATH_DATABASE_INSERT',
        insertedRows: 0,
        cause: expect.objectContaining({ sqlState: '22P02' }) as Error,
      });
    }
    await create('text');
    for (const strategy of STRATEGIES) {
      await expect(insert(['fine', 'a\0b'], strategy)).rejects.toMatchObject({
        code: 'ERR_HOTPATH_DATABASE_INSERT',
        cause: expect.objectContaining({ sqlState: '22021' }) as Error,
      });
      // Half a character, which UTF-8 has no bytes for.
      for (const text of ['s3cret \ud83d', `${'x'.repeat(100)}\ud83d`]) {
        await expect(insert(['fine', text], strategy)).rejects.toMatchObject({
          code: 'ERR_HOTPATH_DATABASE_ARGUMENT_RANGE',
          message: 'rows[1].v: expected a well-formed text, got half a surrogate pair',
        });
      }
      await insert(['whole \ud83d\ude00'], strategy);
    }
    expect(await db.many(`SELECT DISTINCT v FROM ${table}`)).toEqual([{ v: 'whole \ud83d\ude00' }]);
    for (const value of ['\udc00', ['\udc00']]) {
      await expect(db.query('SELECT $1::text', [value])).rejects.toMatchObject({
        code: 'ERR_HOTPATH_DATABASE_ARGUMENT_RANGE',
        message: 'values[0]: expected a well-formed text, got half a surrogate pair',
      });
    }
    await expect(db.query(`SELECT '\ud800'`)).rejects.toMatchObject({
      code: 'ERR_HOTPATH_DATABASE_ARGUMENT_RANGE',
    });
  });

  test('parsers of the user’s change nothing in what is stored', async () => {
    await db.query('CREATE TABLE parsed (a text, b jsonb, c int, d int[])');
    for (const parse of [(text: string) => text, (text: string) => [text]]) {
      const odd = fresh.open({ types: { getTypeParser: (oid: number) => (oid === 25 ? String : parse) } });
      for (const strategy of ['unnest', 'copy', 'values'] as const) {
        await insertMany(odd, 'parsed', [{ a: 'Ada', b: { n: 1 }, c: 2, d: [3, 4] }], { strategy });
      }
    }
    expect(await db.many('SELECT DISTINCT a, b, c, d FROM parsed')).toEqual([
      { a: 'Ada', b: { n: 1 }, c: 2, d: [3, 4] },
    ]);
  });

  test('an unnest of somebody else on the path is not called', async () => {
    await db.query(`CREATE TABLE unnested (a text, b text);
      CREATE FUNCTION unnest(text[]) RETURNS SETOF text LANGUAGE plpgsql AS 'BEGIN RAISE ''not mine''; END'`);
    const rows = [{ a: '1', b: '2' }];
    await insertMany(db, 'unnested', rows, { strategy: 'unnest' });
    await insertMany(db, 'unnested', rows, { strategy: 'unnest', returning: ['a'] });
    await insertMany(db, 'unnested', [{ a: '1' }], { strategy: 'unnest', returning: ['a'] });
    await db.query('DROP FUNCTION unnest(text[])');
    expect(await db.many('SELECT a FROM unnested')).toHaveLength(3);
  });

  test('of two columns of one name the last is given, however many rows there are', async () => {
    const { rows, fields } = await db.query('SELECT n AS a, -n AS a FROM generate_series(1, 300) n', []);
    expect(rows).toEqual(Array.from({ length: 300 }, (_, index) => ({ a: -1 - index })));
    expect(fields).toHaveLength(2);
  });
});
