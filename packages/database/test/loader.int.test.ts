import { type Database, type Queryable, loader } from '@hotpath/database';
import pg from 'pg';
import { beforeAll, describe, expect, test } from 'vitest';
import { freshDatabase, postgresUrl } from './fresh-database.ts';

interface User {
  readonly id: number;
  readonly name: string;
}
interface Post {
  readonly id: number;
  readonly user_id: number;
  readonly lang: string;
  readonly title: string;
}

describe.skipIf(postgresUrl === '')('loaders on a real Postgres', () => {
  const fresh = freshDatabase();
  let db: Database;

  beforeAll(async () => {
    db = fresh.keep({ lanes: 1 });
    await db.query(
      `CREATE TABLE users (id int PRIMARY KEY, name text UNIQUE);
       INSERT INTO users SELECT n, 'user ' || n FROM generate_series(1, 50) n;
       CREATE TABLE posts (id int PRIMARY KEY, user_id int, lang varchar(5), title text);
       INSERT INTO posts SELECT n, n % 7, CASE n % 2 WHEN 0 THEN 'en' ELSE 'de' END, 'title ' || n FROM generate_series(1, 40) n;
       CREATE TABLE things (id uuid PRIMARY KEY, at timestamptz, big bigint, amount numeric, raw bytea);
       INSERT INTO things VALUES ('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '2024-02-03 04:05:06.789+00', 9007199254740993, 1.50, '\\x00ff')`,
    );
  });

  /** Counts the queries that go through, without those for the catalogue. */
  function counted(over: Queryable = db): Queryable & { readonly sent: unknown[][] } {
    const sent: unknown[][] = [];
    return {
      sent,
      query(text, values) {
        if (!text.includes('pg_attribute')) sent.push(values ?? []);
        return over.query(text, values);
      },
    };
  }

  test('send the loads of a turn as one query, each key once, and answer in the order of the keys', async () => {
    const over = counted();
    const users = loader<User>()(over, { table: 'users', key: 'id' });
    const [a, b, many, later] = await Promise.all([
      users.load(3),
      users.load(99),
      users.loadMany([7, 3, null, 1, 99]),
      // Loads that are only made once something else is done, still in this turn.
      Promise.resolve()
        .then(() => {})
        .then(() => users.load(2)),
    ]);
    expect([a, b, later]).toEqual([{ id: 3, name: 'user 3' }, null, { id: 2, name: 'user 2' }]);
    expect(many).toEqual([
      { id: 7, name: 'user 7' },
      { id: 3, name: 'user 3' },
      null,
      { id: 1, name: 'user 1' },
      null,
    ]);
    expect(many[1]).toBe(a);
    expect(over.sent).toEqual([[[3, 99, 7, 1, 2]]]);
    expect(await users.load(3)).toEqual(a);
    expect(over.sent).toHaveLength(2);
    expect(await users.loadMany([null, undefined])).toEqual([null, null]);
    expect(await users.loadMany([])).toEqual([]);
    expect(over.sent).toHaveLength(2);
  });

  test('give lists in order with many, empty where there is none', async () => {
    const posts = loader<Post>()(db, {
      table: 'posts',
      key: 'user_id',
      columns: ['id', 'title'],
      many: true,
      orderBy: 'id',
    });
    const [none, one, two] = await posts.loadMany([8, 1, 2]);
    expect(none).toEqual([]);
    expect(one!.map(({ id }) => id)).toEqual([1, 8, 15, 22, 29, 36]);
    expect(two![0]).toEqual({ id: 2, title: 'title 2' });
    expect(await posts.load(null)).toEqual([]);
  });

  test('take keys of several columns', async () => {
    const over = counted();
    const posts = loader<Post>()(over, { table: ['public', 'posts'], key: ['user_id', 'lang'], many: true });
    const lists = await posts.loadMany([
      [1, 'de'],
      [1, 'en'],
      [1, 'de'],
      [1, 'fr'],
    ]);
    expect(lists.map((list) => list.map(({ id }) => id).sort((a, b) => a - b))).toEqual([
      [1, 15, 29],
      [8, 22, 36],
      [1, 15, 29],
      [],
    ]);
    expect(over.sent).toHaveLength(1);
  });

  test('match keys as the server does, however they are written', async () => {
    const by = async (key: string, ...keys: unknown[]): Promise<unknown[]> =>
      loader<Record<string, unknown>>()(db, { table: 'things', key, columns: ['big'] }).loadMany(keys);
    const found = { big: '9007199254740993' };
    expect(
      await by('id', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', '{a0eebc999c0b4ef8bb6d6bb9bd380a11}'),
    ).toEqual([found, found]);
    expect(await by('at', new Date('2024-02-03T04:05:06.789Z'), '2024-02-03 05:05:06.789+01')).toEqual([
      found,
      found,
    ]);
    expect(await by('big', 9007199254740993n, '9007199254740993')).toEqual([found, found]);
    expect(await by('amount', 1.5, '1.500', '1.51')).toEqual([found, found, null]);
    expect(await by('raw', Buffer.from([0, 255]), Buffer.from([1]))).toEqual([found, null]);
  });

  test('split what is more than a batch', async () => {
    const over = counted();
    const users = loader<User>()(over, { table: 'users', key: 'id', columns: ['id'], maxBatch: 20 });
    const keys = Array.from({ length: 50 }, (_, i) => 50 - i);
    expect(await users.loadMany(keys)).toEqual(keys.map((id) => ({ id })));
    expect(over.sent.map(([list]) => (list as unknown[]).length)).toEqual([20, 20, 10]);
  });

  test('keep results only when asked to, no more than that, and no failure', async () => {
    const over = counted();
    const users = loader<User>()(over, { table: 'users', key: 'id', cacheEntries: 2 });
    await users.load(1);
    await users.load(1);
    expect(over.sent).toHaveLength(1);
    await users.loadMany([2, 3]);
    await users.load(1);
    expect(over.sent).toHaveLength(3);
    users.clear(1);
    users.clear();
    await users.load(1);
    expect(over.sent).toHaveLength(4);
    await expect(users.load('x' as never)).rejects.toMatchObject({ sqlState: '22P02' });
    await expect(users.load('x' as never)).rejects.toMatchObject({ sqlState: '22P02' });
    expect(over.sent).toHaveLength(6);
  });

  test('tell every load of a query that failed, and recover', async () => {
    const users = loader<User>()(db, { table: 'users', key: 'id' });
    const outcomes = await Promise.allSettled([users.load(1), users.load('x' as never)]);
    for (const outcome of outcomes) expect(outcome).toMatchObject({ reason: { sqlState: '22P02' } });
    expect(await users.load(1)).toEqual({ id: 1, name: 'user 1' });
    const twice = loader<Post>()(db, { table: 'posts', key: 'lang' });
    const [several, none] = await Promise.allSettled([twice.load('de'), twice.load('xx')]);
    expect(several).toMatchObject({ reason: { code: 'ERR_HOTPATH_DATABASE_TOO_MANY_ROWS' } });
    expect(none).toMatchObject({ value: null });
    await expect(loader<User>()(db, { table: 'nope', key: 'id' }).load(1)).rejects.toThrow(
      /table that exists/,
    );
    for (const key of [[], [1, 2], {}, Symbol('x'), () => 1]) {
      await expect(users.load(key as never)).rejects.toThrow(TypeError);
    }
  });

  test('survive a change of the key’s type', async () => {
    await db.query('CREATE TABLE changing (id int, name text); INSERT INTO changing VALUES (1, $$a$$)');
    const rows = loader<{ id: number | string; name: string }>()(db, {
      table: 'changing',
      key: 'id',
      columns: ['name'],
    });
    expect(await rows.load(1)).toEqual({ name: 'a' });
    await db.query(`ALTER TABLE changing ALTER id TYPE text`);
    await rows.load(1).catch(() => {});
    expect(await rows.load('1')).toEqual({ name: 'a' });
  });

  test('work on transactions, connections and pools of pg', async () => {
    await db.transaction(async (tx) => {
      await tx.query(`INSERT INTO users VALUES (1000, 'new')`);
      expect(await loader<User>()(tx, { table: 'users', key: 'id' }).load(1_000)).toEqual({
        id: 1_000,
        name: 'new',
      });
      await tx.query('DELETE FROM users WHERE id = 1000');
    });
    const pool = new pg.Pool({ connectionString: fresh.url, max: 2 });
    expect(await loader<User>()(pool, { table: 'users', key: 'name' }).load('user 5')).toEqual({
      id: 5,
      name: 'user 5',
    });
    await pool.end();
  });

  test('wrong specs throw at once', () => {
    for (const spec of [
      null,
      { table: 'users' },
      { table: 'users', key: [] },
      { table: 'users', key: 'id', many: 1 },
      { table: 'users', key: 'id', maxBatch: 0 },
      { table: 'users', key: 'id', size: 1 },
      { table: '', key: 'id' },
    ]) {
      expect(() => loader()(db, spec as never)).toThrow(/expected/);
    }
    expect(() => loader<User>()({} as never, { table: 'users', key: 'id' })).toThrow(TypeError);
  });
});
