import { ArgumentTypeError, ArgumentRangeError, type Queryable, insertMany } from '@hotpath/database';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkTypeName, quoteIdentifier, quoteTable } from '../dist/insert/identifier.js';
import { ArrayLiteral, toText } from '../dist/insert/literal.js';
import { type InsertPlan, unnestSql, valuesSql } from '../dist/insert/sql.js';

describe('names', () => {
  test('of any kind stay one identifier', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, unit: 'binary' }), (name) => {
        fc.pre(!name.includes('\0'));
        const quoted = quoteIdentifier(name);
        expect(quoted).toMatch(/^"(?:[^"]|"")+"$/su);
        expect(quoted.slice(1, -1).replaceAll('""', '"')).toBe(name);
      }),
    );
    expect(quoteTable('a"; DROP TABLE b; --')).toBe('"a""; DROP TABLE b; --"');
    expect(quoteTable(['s', 'a.b'])).toBe('"s"."a.b"');
  });

  test('that cannot be are refused', () => {
    for (const name of ['', 'a\0b', 1, null])
      expect(() => quoteIdentifier(name as string)).toThrow(/^name: expected/);
    for (const table of [[], ['a'], ['a', 'b', 'c'], {}])
      expect(() => quoteTable(table as never)).toThrow(/^table/);
  });

  test('of types are types and nothing else', () => {
    for (const type of [
      'text',
      'int4',
      'double precision',
      'character varying',
      'timestamp with time zone',
      'time without time zone',
      'my_schema.my_type',
      '"My ""Schema"""."My Type"[]',
      'numeric[][]',
      'TEXT',
    ]) {
      expect(checkTypeName(type, 'a')).toBe(type);
    }
    expect(checkTypeName('char', 'a')).toBe('bpchar');
    expect(checkTypeName('Character[]', 'a')).toBe('bpchar[]');
    expect(checkTypeName('bit', 'a')).toBe('"bit"');
    for (const type of [
      '',
      'text; DROP TABLE users',
      'text)',
      'text --',
      'text/**/',
      'int4 FROM users',
      "text'",
      'varchar(5)',
      '"a',
      '"a\0"',
      'a.',
      'a b',
      'text[',
      `a${'.a'.repeat(200)}`,
    ]) {
      expect(() => checkTypeName(type, 'a'), type).toThrow(/^types\.a: expected the name of a type/);
    }
  });
});

describe('statements', () => {
  const column = (name: string, type: string, direct = true) => ({
    name,
    type,
    direct,
    textOid: 0,
    kind: 'plain' as const,
    copies: true,
  });
  const plan: InsertPlan = {
    table: '"t"',
    columns: [column('a', 'integer'), column('b"', 'text[]', false)],
    onConflict: undefined,
    returning: undefined,
  };

  test('unnest takes one array a column, and casts rows of what has no array of its own', () => {
    expect(unnestSql(plan)).toBe(
      'INSERT INTO "t" ("a","b""") SELECT pg_catalog.unnest($1::integer[]),pg_catalog.unnest($2::text[])::text[]',
    );
  });

  test('returning keeps the order of the input', () => {
    expect(unnestSql({ ...plan, returning: ['id', 'x"'] })).toBe(
      'INSERT INTO "t" ("a","b""") SELECT c1,c2::text[] FROM unnest($1::integer[],$2::text[]) WITH ORDINALITY AS u(c1,c2,n) ORDER BY n RETURNING "id","x"""',
    );
    expect(valuesSql({ ...plan, returning: '*' }, 1)).toMatch(/ RETURNING \*$/);
  });

  test('values number their parameters row by row', () => {
    expect(valuesSql(plan, 2)).toBe('INSERT INTO "t" ("a","b""") VALUES ($1,$2),($3,$4)');
  });

  test('conflicts', () => {
    const sql = (onConflict: unknown): string =>
      valuesSql({ ...plan, onConflict: onConflict as never }, 1).split('($1,$2)')[1]!;
    expect(sql('ignore')).toBe(' ON CONFLICT DO NOTHING');
    expect(sql({ columns: ['a'] })).toBe(' ON CONFLICT ("a") DO UPDATE SET "b"""=EXCLUDED."b"""');
    expect(sql({ columns: ['a', 'b"'], update: ['a'] })).toBe(
      ' ON CONFLICT ("a","b""") DO UPDATE SET "a"=EXCLUDED."a"',
    );
    expect(sql({ columns: ['a'], update: 'ignore' })).toBe(' ON CONFLICT ("a") DO NOTHING');
    for (const wrong of [
      'update',
      {},
      { columns: [] },
      { columns: ['a', 'b"'] },
      { columns: ['a'], update: [] },
      { columns: ['a'], update: 'x' },
    ]) {
      expect(() => sql(wrong)).toThrow(/^onConflict/);
    }
  });
});

describe('literals', () => {
  /** Postgres's own rules for reading an array of one dimension. */
  function parse(literal: string): (string | null)[] {
    expect(literal).toMatch(/^\{.*\}$/su);
    const items: (string | null)[] = [];
    let at = 1;
    while (at < literal.length - 1) {
      if (literal[at] === ',') at++;
      let item = '';
      if (literal[at] === '"') {
        for (at++; literal[at] !== '"'; at++) {
          if (literal[at] === '\\') at++;
          item += literal[at]!;
        }
        at++;
        items.push(item);
      } else {
        while (literal[at] !== ',' && at < literal.length - 1) item += literal[at++]!;
        expect(item).not.toBe('');
        items.push(item === 'NULL' ? null : item);
      }
    }
    return items;
  }

  test('hold any texts and nulls', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('NULL', 'null', '', '{}', '"', '\\', ',', ' a '),
      fc.constant(null),
    );
    fc.assert(
      fc.property(fc.array(text), (texts) => {
        const literal = new ArrayLiteral('plain');
        for (const one of texts) literal.add(one);
        expect(parse(literal.take())).toEqual(texts);
        literal.add('again');
        expect(literal.take()).toBe('{"again"}');
      }),
    );
  });

  test('write each kind of value the way its column reads it', () => {
    expect(toText(1n, 'plain')).toBe('1');
    expect(toText(-0.5, 'plain')).toBe('-0.5');
    expect(toText(Number.NaN, 'plain')).toBe('NaN');
    expect(toText(true, 'plain')).toBe('true');
    expect(toText(new Uint8Array([0, 255]), 'plain')).toBe('\\x00ff');
    expect(toText({ a: 1 }, 'plain')).toBe('{"a":1}');
    expect(toText({ toPostgres: () => '[1,2)' }, 'plain')).toBe('[1,2)');
    expect(toText('a', 'json')).toBe('"a"');
    expect(toText([1, [2]], 'json')).toBe('[1,[2]]');
    expect(toText(null, 'json')).toBeNull();
    expect(toText([1, null, [2, 'a,b']], 'array')).toBe('{1,NULL,{2,"a,b"}}');
    expect(toText([{ a: 1 }, 'x', [1], null], 'jsonArray')).toBe('{"{\\"a\\":1}","\\"x\\"","[1]",NULL}');
    expect(toText([], 'array')).toBe('{}');
    expect(new Date(toText(new Date(0), 'plain')!).getTime()).toBe(0);
    for (const value of [() => 1, Symbol('a'), new Date(Number.NaN)])
      expect(() => toText(value, 'plain')).toThrow(/^value: /);
    expect(() => toText(() => 1, 'json')).toThrow(/^value: /);
  });
});

describe('insertMany', () => {
  interface Sent {
    readonly text: string;
    readonly values: readonly unknown[];
  }
  /** A database that remembers what it is sent. */
  function recorder(
    answer: (text: string) => Promise<unknown> = async () => {},
  ): Queryable & { readonly sent: Sent[] } {
    const sent: Sent[] = [];
    return {
      sent,
      async query(text, values = []) {
        sent.push({ text, values });
        await answer(text);
        return { rows: [], rowCount: 1 };
      },
    };
  }
  const types = { a: 'int4', b: 'text' };
  const rows = (count: number) => Array.from({ length: count }, (_, i) => ({ a: i, b: `b${i}` }));

  test('sends chunks of the size asked for, and takes no row ahead of its chunk', async () => {
    const db = recorder();
    let taken = 0;
    const taken_at: number[] = [];
    async function* source() {
      for (const row of rows(7)) {
        taken++;
        yield row;
      }
    }
    const progress: unknown[] = [];
    const result = await insertMany(
      {
        query: (text, values) => {
          taken_at.push(taken);
          return db.query(text, values);
        },
      },
      't',
      source(),
      { types, chunkRows: 3, transaction: 'none', onProgress: (p) => progress.push(p) },
    );
    expect(result).toEqual({ rowCount: 3, chunks: 3, rows: [] });
    expect(db.sent.map((one) => one.values)).toEqual([
      ['{0,1,2}', '{"b0","b1","b2"}'],
      ['{3,4,5}', '{"b3","b4","b5"}'],
      ['{6}', '{"b6"}'],
    ]);
    expect(taken_at).toEqual([3, 6, 7]);
    expect(progress).toEqual([
      { rows: 3, chunks: 1 },
      { rows: 6, chunks: 2 },
      { rows: 7, chunks: 3 },
    ]);
  });

  test('values never pass the limit of parameters', async () => {
    const db = recorder();
    await insertMany(db, 't', rows(40_000), {
      types,
      strategy: 'values',
      chunkRows: 32_767,
      transaction: 'none',
    });
    expect(db.sent.map((one) => one.values.length)).toEqual([65_534, 14_466]);
    await expect(
      insertMany(db, 't', rows(1), { types, strategy: 'values', chunkRows: 32_768 }),
    ).rejects.toThrow(/^chunkRows: expected 1 to 32767/);
  });

  test('large rows make smaller chunks', async () => {
    const db = recorder();
    const large = 'x'.repeat(3_000_000);
    await insertMany(
      db,
      't',
      [1, 2, 3, 4].map((a) => ({ a, b: large })),
      { types, transaction: 'none' },
    );
    expect(db.sent.map((one) => one.values[0])).toEqual(['{1,2,3}', '{4}']);
  });

  test('no rows need no statement', async () => {
    const db = recorder();
    expect(await insertMany(db, 't', [])).toEqual({ rowCount: 0, chunks: 0, rows: [] });
    expect(db.sent).toEqual([]);
  });

  test('one chunk is all or nothing by itself; more need a database that can open a transaction', async () => {
    const db = recorder();
    await insertMany(db, 't', rows(3), { types, chunkRows: 3 });
    expect(db.sent).toHaveLength(1);
    await expect(insertMany(db, 't', rows(4), { types, chunkRows: 3 })).rejects.toThrow(
      /^db: expected a database that can open a transaction/,
    );
    expect(db.sent).toHaveLength(1);
  });

  test('a failing chunk says which rows, and how many are in the table', async () => {
    const failure = Object.assign(new Error('no'), { code: '23505' });
    let calls = 0;
    const db = recorder(async () => {
      if (++calls === 2) throw failure;
    });
    await expect(
      insertMany(db, 't', rows(9), { types, chunkRows: 4, transaction: 'chunk' }),
    ).rejects.toMatchObject({
      code: 'ERR_HOTPATH_DATABASE_INSERT',
      insertedRows: 4,
      firstRow: 4,
      chunkRows: 4,
      cause: failure,
      message: 'insert into "t" failed in rows 4 to 7, 4 rows inserted: no',
    });
  });

  test('the source is closed whatever happens', async () => {
    for (const [fails, expected] of [
      ['source', 'source'],
      ['query', /^insert into/],
      ['progress', 'progress'],
      ['row', /^rows\[2\]/],
    ] as const) {
      let closed = 0;
      async function* source() {
        try {
          yield* rows(2);
          if (fails === 'source') throw new Error('source');
          if (fails === 'row') yield 5 as never;
          yield* rows(10);
        } finally {
          closed++;
        }
      }
      const db = recorder(async () => {
        if (fails === 'query') throw new Error('query');
      });
      const onProgress = (): void => {
        if (fails === 'progress') throw new Error('progress');
      };
      await expect(
        insertMany(db, 't', source(), { types, chunkRows: 2, transaction: 'none', onProgress }),
      ).rejects.toThrow(expected);
      expect(closed, fails).toBe(1);
    }
  });

  test('an abort ends the wait for a source that is stuck', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    const stuck: AsyncIterable<{ a: number }> = {
      [Symbol.asyncIterator]: () => ({
        next: () => {
          queueMicrotask(() => controller.abort(reason));
          return new Promise(() => {});
        },
        return: () => new Promise(() => {}),
      }),
    };
    await expect(insertMany(recorder(), 't', stuck, { signal: controller.signal })).rejects.toBe(reason);
    await expect(insertMany(recorder(), 't', rows(1), { signal: controller.signal })).rejects.toBe(reason);
  });

  test('a source that fails is told as such, also when its return() gives no promise', async () => {
    const failure = new Error('no more');
    const failing = {
      [Symbol.asyncIterator]: () => ({
        next: () => Promise.reject(failure),
        return: () => ({ done: true, value: undefined }),
      }),
    };
    await expect(insertMany(recorder(), 't', failing as never)).rejects.toBe(failure);
  });

  test('rows with more members than the first are refused, unless the columns were named', async () => {
    const db = recorder();
    const mixed = [{ a: 1 }, { a: 2, b: 'x' }];
    await expect(insertMany(db, 't', mixed, { types })).rejects.toThrow(/^rows\[1\]: .*"b"/);
    await insertMany(db, 't', mixed, { types, columns: ['b', 'a'] as never });
    expect(db.sent[0]!.values).toEqual(['{NULL,"x"}', '{1,2}']);
  });

  test('a value that cannot be written is named by row and column, not shown', async () => {
    const secret = () => 's3cret';
    const error = await insertMany(
      recorder(),
      't',
      [
        { a: 1, b: 'x' },
        { a: 2, b: secret },
      ] as never[],
      { types },
    ).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(ArgumentTypeError);
    expect((error as Error).message).toBe(
      'rows[1].b: expected a value that a column can hold, got a value of type function',
    );
  });

  test('wrong arguments are refused before anything is sent', async () => {
    const db = recorder();
    const wrong: [unknown[], new (...args: never[]) => Error][] = [
      [[{}, 't', rows(1)], ArgumentTypeError],
      [[db, '', rows(1)], ArgumentRangeError],
      [[db, 't', 5], ArgumentTypeError],
      [[db, 't', [1]], ArgumentTypeError],
      [[db, 't', [null]], ArgumentTypeError],
      [[db, 't', [{}]], ArgumentRangeError],
      [[db, 't', rows(1), null], ArgumentTypeError],
      [[db, 't', rows(1), { chunkSize: 1 }], ArgumentTypeError],
      [[db, 't', rows(1), { columns: 'a' }], ArgumentTypeError],
      [[db, 't', rows(1), { columns: [] }], ArgumentRangeError],
      [[db, 't', rows(1), { columns: ['a', 'a'] }], ArgumentRangeError],
      [[db, 't', rows(1), { types, chunkRows: 0 }], ArgumentRangeError],
      [[db, 't', rows(1), { types, strategy: 'x' }], ArgumentRangeError],
      [[db, 't', rows(1), { types, transaction: 'x' }], ArgumentRangeError],
      [[db, 't', rows(1), { types: { a: 'int4', b: 'text; DROP TABLE t' } }], ArgumentRangeError],
      [[db, 't', rows(1), { types, onProgress: 1 }], ArgumentTypeError],
      [[db, 't', rows(1), { types, returning: [] }], ArgumentTypeError],
      [[db, 't', rows(1), { types, onConflict: {} }], ArgumentTypeError],
    ];
    for (const [args, kind] of wrong) {
      await expect(
        insertMany(...(args as Parameters<typeof insertMany>)),
        JSON.stringify(args.slice(1)),
      ).rejects.toBeInstanceOf(kind);
    }
    expect(db.sent).toEqual([]);
  });
});
