import * as database from '@hotpath/database';
import { type Database, createDatabase, insertMany, loader, nest, nestTables, sql } from '@hotpath/database';
import * as advice from '@hotpath/database/advise';
import { advise, audit, createIndexConcurrently } from '@hotpath/database/advise';
import { beforeAll, describe, expect, test } from 'vitest';
import { HOSTILE_TEXTS } from './hostile.ts';
import { freshDatabase, postgresUrl } from './fresh-database.ts';

type Attack = () => unknown;

/** What somebody may do with a text from outside. */
interface Entry {
  /** Where it is a value, or a name that is to be made: true when it went in and came back as it was. */
  readonly takes?: (text: string) => readonly Attack[];
  /** Where it must name something that is there: rejects, or throws. */
  readonly refuses?: (text: string) => readonly Attack[];
  /** Where SQL is expected: whatever comes of it, nothing is changed. */
  readonly tries?: (text: string) => readonly Attack[];
}

interface Named {
  id: number;
  name: string;
}

describe.skipIf(postgresUrl === '')('hostile texts on a real Postgres', () => {
  const fresh = freshDatabase();
  let db: Database;

  beforeAll(async () => {
    db = fresh.keep({ max: 8 });
    await db.query(
      `CREATE TABLE victim (id int PRIMARY KEY, name text, tags text[], data jsonb);
       INSERT INTO victim SELECT n, 'name ' || n FROM generate_series(1, 5) n;
       CREATE TABLE stored (name text, tags text[], data jsonb)`,
    );
  });

  const one = [{ id: 1 }];
  const users = { table: 'victim', key: 'id', fields: { id: 'id' } } as const;
  const self = { table: 'victim', on: { id: 'id' }, key: 'id', fields: {} } as const;

  /** Every function that the package exports, and the methods of a database. */
  const ENTRIES: Readonly<Record<string, Entry>> = {
    createDatabase: {
      takes: (applicationName) => [
        async () => {
          await using named = createDatabase({
            connectionString: fresh.url,
            applicationName,
            min: 0,
            max: 1,
          });
          return (await named.one<{ a: number }>('SELECT 1 AS a')).a === 1;
        },
      ],
    },
    'Database.query': {
      takes: (text) => [
        async () => (await db.one<{ a: string }>('SELECT $1::text AS a', [text])).a === text,
        () =>
          db.transaction(
            async (tx) => (await tx.one(sql<{ a: string }>`SELECT ${text}::text AS a`)).a === text,
          ),
      ],
    },
    'Database.stream': {
      takes: (text) => [
        async () => {
          for await (const rows of db.stream<{ a: string }>('SELECT $1::text AS a', [text]))
            return rows[0]!.a === text;
          return false;
        },
      ],
    },
    'Database.transaction': {
      refuses: (text) => [() => db.transaction(async () => {}, { isolation: text as never })],
    },
    sql: {
      takes: (text) => [
        async () => {
          const row = await db.one(
            sql`SELECT ${text}::text AS a, ${[text, text]}::text[] AS b, ${{ [text]: text }}::jsonb AS c, ${text}::text IN (${sql.join([text])}) AS d`,
          );
          expect(row).toEqual({ a: text, b: [text, text], c: { [text]: text }, d: true });
          return true;
        },
        async () => Object.keys(await db.one(sql`SELECT 1 AS ${sql.ident(text)}`))[0] === text,
      ],
      refuses: (text) => [
        () => db.query(sql`SELECT * FROM ${sql.ident(text)}`),
        () => db.query(sql`SELECT * FROM ${sql.ident('public', text)}`),
      ],
    },
    insertMany: {
      takes: (text) =>
        (['unnest', 'values', 'copy'] as const).map((strategy) => async () => {
          const row = { name: text, tags: [text, strategy], data: { [text]: text } };
          await insertMany(db, 'stored', [row], { strategy });
          const found = sql`SELECT * FROM stored WHERE name = ${text} AND tags = ${row.tags}`;
          expect(await db.one(found)).toEqual(row);
          return true;
        }),
      refuses: (text) => [
        () => insertMany(db, text, one),
        () => insertMany(db, ['public', text], one),
        () => insertMany(db, [text, 'victim'], one),
        () => insertMany(db, 'victim', [{ [text]: 1 }]),
        () => insertMany(db, 'victim', [{ [text]: 1 }], { columns: [text] }),
        () => insertMany(db, 'victim', one, { types: { id: text } }),
        () => insertMany(db, 'victim', one, { returning: [text] }),
        () => insertMany(db, 'victim', one, { strategy: text as never }),
        () => insertMany(db, 'victim', one, { onConflict: text as never }),
        () => insertMany(db, 'victim', one, { onConflict: { columns: [text as 'id'] } }),
        () =>
          insertMany(db, 'victim', [{ id: 1, name: 'a' }], {
            onConflict: { columns: ['id'], update: [text as 'id'] },
          }),
      ],
    },
    nest: {
      takes: (text) => [
        () => {
          const spec = { key: text, fields: { [text]: text } };
          const rows = [{ [text]: 1 }];
          const fold = nest<Record<string, number>>()({ ...spec, many: { [`${text} `]: spec } });
          const [root] = fold.fold(rows) as unknown as Record<string, unknown>[];
          expect(Object.entries(root!)).toEqual([
            [text, 1],
            [`${text} `, rows],
          ]);
          return true;
        },
      ],
    },
    nestTables: {
      takes: (text) => [
        async () =>
          (await nestTables<{ victim: Named }>()(users).load(db, { where: sql`t.name = ${text}` })).length ===
          0,
        async () => {
          const named = nestTables<{ victim: Named }>()({
            ...users,
            fields: { [text]: 'id' } as { a: 'id' },
          });
          return Object.keys((await named.load(db, { limit: 1 }))[0]!)[0] === text;
        },
      ],
      refuses: (text) =>
        [
          { ...users, table: text },
          { ...users, schema: text },
          { ...users, key: text },
          { ...users, fields: { a: text } },
          { ...users, many: { a: { ...self, on: { [text]: 'id' } } } },
          { ...users, many: { a: { ...self, table: text } } },
          { ...users, one: { a: { ...self, on: { id: text } } } },
        ].map((spec) => async () => nestTables<never>()(spec as never).load(db)),
    },
    loader: {
      takes: (text) => [
        async () => (await loader<Named>()(db, { table: 'victim', key: 'name' }).load(text)) === null,
      ],
      refuses: (text) =>
        [
          { table: text, key: 'id' },
          { table: ['public', text], key: 'id' },
          { table: 'victim', key: text },
          { table: 'victim', key: 'id', columns: [text] },
          { table: 'victim', key: 'id', orderBy: text },
          { table: 'victim', key: 'id', types: { id: text } },
        ].map((spec) => async () => (loader()(db, spec as never) as { load(key: unknown): unknown }).load(1)),
    },
    advise: {
      takes: (text) => [
        async () => (await advise(db, 'SELECT * FROM victim WHERE name = $1', [text])).indexes.length === 0,
      ],
      refuses: (text) => [() => advise(db, 'SELECT 1', [], { verify: text as never })],
      tries: (text) => [
        () => advise(db, text),
        () => advise(db, `SELECT * FROM victim WHERE name = 'x' ${text}`),
        () => advise(db, `SELECT * FROM victim; ${text}`),
      ],
    },
    audit: { takes: (text) => [async () => (await audit(db, { schema: text })).length === 0] },
    createIndexConcurrently: {
      refuses: (text) => [
        () => createIndexConcurrently(db, { table: text, keys: ['id'] }),
        () => createIndexConcurrently(db, { table: ['public', text], keys: ['id'] }),
        () => createIndexConcurrently(db, { table: [text, 'victim'], keys: ['id'] }),
        () => createIndexConcurrently(db, { table: 'victim', keys: [text] }),
        () => createIndexConcurrently(db, { table: 'victim', keys: [{ column: 'name', opclass: text }] }),
        () => createIndexConcurrently(db, { table: 'victim', keys: ['id'], method: text }),
      ],
      tries: (text) => [
        () => createIndexConcurrently(db, { table: 'stored', keys: [{ expression: text }] }),
        () => createIndexConcurrently(db, { table: 'stored', keys: [{ expression: `lower(name) ${text}` }] }),
        () => createIndexConcurrently(db, { table: 'stored', keys: ['name'], where: `name > 'x' ${text}` }),
      ],
    },
  };

  /** Tables, and what is in the one that all the texts are after. */
  async function state(): Promise<unknown> {
    return db.one(
      `SELECT (SELECT string_agg(relname, ',' ORDER BY relname) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace) AS tables,
        (SELECT string_agg(v::text, ';' ORDER BY id) FROM victim v) AS victim`,
    );
  }

  test('every function of the package that takes a name or a value is attacked below', () => {
    const takesNone = ['isRetryable'];
    const functions = Object.entries({ ...database, ...advice })
      .filter(([, value]) => typeof value === 'function' && !(value.prototype instanceof Error))
      .map(([name]) => name);
    const listed = Object.keys(ENTRIES).filter((name) => !name.includes('.'));
    expect([...listed, ...takesNone].toSorted()).toEqual(functions.toSorted());
  });

  test.each(Object.keys(ENTRIES))('%s', async (name) => {
    const { takes, refuses, tries } = ENTRIES[name]!;
    const before = await state();
    const outcome = async (attack: Attack): Promise<unknown> => (async () => attack())();
    for (const text of HOSTILE_TEXTS) {
      await Promise.all([
        ...(takes?.(text) ?? []).map(async (attack) => {
          expect(await outcome(attack)).toBe(true);
        }),
        ...(refuses?.(text) ?? []).map(async (attack) => {
          await expect(outcome(attack), `${String(attack)} with ${text}`).rejects.toThrow();
        }),
      ]);
      // One after the other: concurrent builds on a table wait for each other.
      for (const attack of tries?.(text) ?? []) await outcome(attack).catch(() => {});
    }
    expect(await state()).toEqual(before);
  });

  test('advice on a table and columns of such names can be carried out', async () => {
    const table = HOSTILE_TEXTS[2]!;
    const columns = sql.join(HOSTILE_TEXTS.map((text) => sql`${sql.ident(text)} int`));
    await db.query(sql`CREATE TABLE ${sql.ident(table)} (${columns})`);
    const values = sql.join(HOSTILE_TEXTS.map(() => sql`n`));
    await db.query(sql`INSERT INTO ${sql.ident(table)} SELECT ${values} FROM generate_series(1, 2000) n`);
    await db.query(sql`ANALYZE ${sql.ident(table)}`);
    const before = await state();
    for (const text of HOSTILE_TEXTS) {
      const { text: query } = sql`SELECT 1 FROM ${sql.ident(table)} WHERE ${sql.ident(text)} = ${5}`;
      const { indexes } = await advise(db, query, [5], { verify: 'none' });
      expect(indexes).toMatchObject([{ table: ['public', table], index: { keys: [text] } }]);
      const { created } = await createIndexConcurrently(db, { ...indexes[0]!.index, name: `${text} index` });
      expect(created).toBe(true);
    }
    expect(await state()).toEqual(before);
  });
});
