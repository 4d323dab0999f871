import { type Database, type Queryable, nestTables, sql } from '@hotpath/database';
import pg from 'pg';
import { beforeAll, describe, expect, test } from 'vitest';
import { freshDatabase, postgresUrl } from './fresh-database.ts';
import { ManualClock } from './manual-clock.ts';

interface Tables {
  users: { id: number; name: string; team_id: number | null };
  teams: { id: number; title: string };
  badges: { id: number; team_id: number; label: string };
  posts: { id: number; user_id: number; title: string };
  comments: { id: number; post_id: number; body: string };
  likes: { post_id: number; user_id: number };
  orders: { region: string; number: number; user_id: number };
  lines: { region: string; number: number; line: number; item: string };
}

describe.skipIf(postgresUrl === '')('nested tables on a real Postgres', () => {
  const fresh = freshDatabase();
  let db: Database;

  beforeAll(async () => {
    db = fresh.keep();
    await db.query(`
      CREATE TABLE teams (id int PRIMARY KEY, title text);
      CREATE TABLE users (id int PRIMARY KEY, name text, team_id int REFERENCES teams);
      CREATE TABLE badges (id int PRIMARY KEY, team_id int REFERENCES teams, label text);
      CREATE TABLE posts (id int PRIMARY KEY, user_id int REFERENCES users, title text);
      CREATE TABLE comments (id int PRIMARY KEY, post_id int REFERENCES posts, body text);
      CREATE TABLE likes (post_id int REFERENCES posts, user_id int REFERENCES users, PRIMARY KEY (post_id, user_id));
      CREATE TABLE orders (region varchar(3), number bigint, user_id int REFERENCES users, PRIMARY KEY (region, number));
      CREATE TABLE lines (region varchar(3), number bigint, line int, item text, PRIMARY KEY (region, number, line));
      INSERT INTO teams SELECT n, 'team ' || n FROM generate_series(1, 2) n;
      INSERT INTO badges SELECT n, n % 2 + 1, 'badge ' || n FROM generate_series(1, 5) n;
      INSERT INTO users SELECT n, 'user ' || n, nullif(n % 3, 0) FROM generate_series(1, 6) n;
      INSERT INTO posts SELECT n, n % 4 + 1, 'post ' || n FROM generate_series(1, 10) n;
      INSERT INTO comments SELECT n, n % 7 + 1, 'comment ' || n FROM generate_series(1, 12) n;
      INSERT INTO likes SELECT p, u FROM generate_series(1, 10) p, generate_series(1, 6) u WHERE (p + u) % 3 = 0;
      INSERT INTO orders SELECT CASE n % 2 WHEN 0 THEN 'eu' ELSE 'us' END, n / 2, n % 4 + 1 FROM generate_series(1, 8) n;
      INSERT INTO lines SELECT region, number, l, 'item ' || l FROM orders, generate_series(1, 3) l WHERE (number + l) % 2 = 0;
    `);
  });

  /** Counts the queries that go through, without those for the catalogue. */
  function counted(): Queryable & { readonly texts: string[] } {
    const texts: string[] = [];
    return {
      texts,
      query(text, values) {
        if (!text.includes('pg_attribute')) texts.push(text);
        return db.query(text, values);
      },
    };
  }

  /** The same by simple means: one query a parent. */
  async function listOf(text: string, ...values: unknown[]): Promise<Record<string, unknown>[]> {
    return db.many(text, values);
  }

  test('one list, and what there is one of, are joined', async () => {
    const users = nestTables<Tables>()({
      table: 'users',
      key: 'id',
      fields: { id: 'id', name: 'name' },
      many: { posts: { table: 'posts', on: { user_id: 'id' }, key: 'id', fields: { title: 'title' } } },
      one: { team: { table: 'teams', on: { id: 'team_id' }, key: 'id', fields: { title: 'title' } } },
    });
    const over = counted();
    const loaded = await users.load(over);
    expect(over.texts).toHaveLength(1);
    expect(loaded).toHaveLength(6);
    for (const user of loaded) {
      expect(user.posts).toEqual(
        await listOf('SELECT title FROM posts WHERE user_id = $1 ORDER BY id', user.id),
      );
      const team = await listOf(
        'SELECT title FROM teams WHERE id = (SELECT team_id FROM users WHERE id = $1)',
        user.id,
      );
      expect(user.team).toEqual(team[0] ?? null);
    }
    expect(await users.explain(db)).toMatchObject([{ path: '', tables: ['"users"', '"posts"', '"teams"'] }]);
  });

  test('lists side by side get a query each, to any depth, also below what there is one of', async () => {
    const users = nestTables<Tables>()({
      table: 'users',
      key: 'id',
      fields: { id: 'id' },
      many: {
        posts: {
          table: 'posts',
          on: { user_id: 'id' },
          key: 'id',
          fields: { id: 'id' },
          many: {
            comments: { table: 'comments', on: { post_id: 'id' }, key: 'id', fields: { body: 'body' } },
            likes: {
              table: 'likes',
              on: { post_id: 'id' },
              key: ['post_id', 'user_id'],
              fields: { by: 'user_id' },
            },
          },
        },
      },
      one: {
        team: {
          table: 'teams',
          on: { id: 'team_id' },
          key: 'id',
          fields: { id: 'id' },
          many: { badges: { table: 'badges', on: { team_id: 'id' }, key: 'id', fields: { label: 'label' } } },
        },
      },
    });
    const over = counted();
    const loaded = await users.load(over);
    const plan = await users.explain(db);
    expect(plan.map(({ path }) => path).sort()).toEqual([
      '',
      'posts',
      'posts.comments',
      'posts.likes',
      'team.badges',
    ]);
    expect(over.texts.sort()).toEqual(plan.map(({ text }) => text).sort());
    for (const { text } of plan.slice(1)) expect(text).toMatch(/unnest\(\$1::integer\[\]\) WITH ORDINALITY/);
    for (const user of loaded) {
      expect(user.posts.map(({ id }) => ({ id }))).toEqual(
        await listOf('SELECT id FROM posts WHERE user_id = $1 ORDER BY id', user.id),
      );
      for (const post of user.posts) {
        expect(post.comments).toEqual(
          await listOf('SELECT body FROM comments WHERE post_id = $1 ORDER BY id', post.id),
        );
        expect(post.likes).toEqual(
          await listOf('SELECT user_id AS by FROM likes WHERE post_id = $1 ORDER BY user_id', post.id),
        );
      }
      if (user.team !== null) {
        expect(user.team.badges).toEqual(
          await listOf('SELECT label FROM badges WHERE team_id = $1 ORDER BY id', user.team.id),
        );
      }
    }
    expect(loaded.filter(({ team }) => team === null)).toHaveLength(2);
  });

  test('keys of several columns', async () => {
    const orders = nestTables<Tables>()({
      table: 'orders',
      key: ['region', 'number'],
      fields: { region: 'region', number: 'number' },
      many: {
        lines: {
          table: 'lines',
          on: { region: 'region', number: 'number' },
          key: ['region', 'number', 'line'],
          fields: { item: 'item' },
        },
        again: {
          table: 'lines',
          on: { number: 'number', region: 'region' },
          key: ['region', 'number', 'line'],
          fields: { line: 'line' },
        },
      },
    });
    const loaded = await orders.load(db);
    expect(loaded).toHaveLength(8);
    for (const { region, number, lines, again } of loaded) {
      const expected = await listOf(
        'SELECT item, line FROM lines WHERE region = $1 AND number = $2 ORDER BY line',
        region,
        number,
      );
      expect(lines).toEqual(expected.map(({ item }) => ({ item })));
      expect(again).toEqual(expected.map(({ line }) => ({ line })));
    }
  });

  test('a condition, an order and a limit are the root’s', async () => {
    const users = nestTables<Tables>()({
      table: 'users',
      schema: 'public',
      key: 'id',
      fields: { id: 'id' },
      many: { posts: { table: 'posts', on: { user_id: 'id' }, key: 'id', fields: { id: 'id' } } },
    });
    const ids = async (options: Parameters<typeof users.load>[1]): Promise<number[]> =>
      (await users.load(db, options)).map(({ id }) => id);
    expect(await ids({ where: sql`t.id = ANY(${[4, 2, 9]})` })).toEqual([2, 4]);
    expect(await ids({ orderBy: sql`t.id DESC`, limit: 2 })).toEqual([6, 5]);
    expect(await ids({ where: sql`t.id > ${1}`, limit: 3 })).toEqual([2, 3, 4]);
    expect(await ids({ orderBy: sql`t.name DESC` })).toEqual([6, 5, 4, 3, 2, 1]);
    expect(await ids({ limit: 0 })).toEqual([]);
    const [first] = await users.load(db, { limit: 1 });
    expect(first!.posts).toEqual([{ id: 4 }, { id: 8 }]);
  });

  test('work on transactions and pools of pg, and report a second one', async () => {
    const posts = nestTables<Tables>()({
      table: 'teams',
      key: 'id',
      fields: { id: 'id' },
      one: { badge: { table: 'badges', on: { team_id: 'id' }, key: 'id', fields: {} } },
    });
    await expect(posts.load(db)).rejects.toMatchObject({ code: 'ERR_HOTPATH_DATABASE_FOLD' });
    const both = nestTables<Tables>()({
      table: 'users',
      key: 'id',
      fields: {},
      many: {
        posts: { table: 'posts', on: { user_id: 'id' }, key: 'id', fields: {} },
        likes: { table: 'likes', on: { user_id: 'id' }, key: ['post_id', 'user_id'], fields: {} },
      },
    });
    const pool = new pg.Pool({ connectionString: fresh.url, max: 2 });
    const expected = await both.load(db);
    expect(await both.load(pool)).toEqual(expected);
    await db.transaction(async (tx) => {
      expect(await both.load(tx)).toEqual(expected);
    });
    await pool.end();
  });

  test('survive a change of the keys’ type', async () => {
    const clock = new ManualClock();
    const own = fresh.open({ max: 2, clock });
    await own.query(`CREATE TABLE owners (id int); CREATE TABLE pets (id int, owner int); CREATE TABLE cars (id int, owner int);
      INSERT INTO owners VALUES (1); INSERT INTO pets VALUES (2, 1); INSERT INTO cars VALUES (3, 1)`);
    const list = { on: { owner: 'id' }, key: 'id', fields: { id: 'id' } } as const;
    const owners = nestTables<{
      owners: { id: unknown };
      pets: { id: number; owner: unknown };
      cars: { id: number; owner: unknown };
    }>()({
      table: 'owners',
      key: 'id',
      fields: { id: 'id' },
      many: { pets: { table: 'pets', ...list }, cars: { table: 'cars', ...list } },
    });
    expect(await owners.load(own)).toEqual([{ id: 1, pets: [{ id: 2 }], cars: [{ id: 3 }] }]);
    await own.query(`ALTER TABLE owners ALTER id TYPE text; ALTER TABLE pets ALTER owner TYPE text;
      ALTER TABLE cars ALTER owner TYPE text`);
    clock.advance(10_000);
    expect(await owners.load(own)).toEqual([{ id: '1', pets: [{ id: 2 }], cars: [{ id: 3 }] }]);
  });

  test('wrong specs throw at once', () => {
    for (const spec of [
      null,
      {},
      { table: 'users', key: [], fields: {} },
      { table: 'users', key: 'id' },
      { table: 'users', key: 'id', fields: {}, more: 1 },
      {
        table: 'users',
        key: 'id',
        fields: {},
        many: { a: { table: 'posts', key: 'id', fields: {}, on: {} } },
      },
      {
        table: 'users',
        key: 'id',
        fields: { a: 'id' },
        many: { a: { table: 'posts', key: 'id', fields: {}, on: { id: 'id' } } },
      },
    ]) {
      expect(() => nestTables<never>()(spec as never)).toThrow(/expected/);
    }
  });
});
