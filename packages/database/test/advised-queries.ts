import type { Queryable } from '@hotpath/database';
import { advise } from '@hotpath/database/advise';
import { expect } from 'vitest';

/** Tables without the indexes that the queries below lack. */
export const ADVISED_TABLES: string = `CREATE TABLE users (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name varchar(80) NOT NULL, email text NOT NULL COLLATE "C",
    nick text COLLATE "POSIX", status text NOT NULL, is_active boolean NOT NULL, created_at timestamptz NOT NULL);
  INSERT INTO users (name, email, nick, status, is_active, created_at)
    SELECT 'user ' || n % 1000, n || '@example.com', n, CASE WHEN n % 500 = 0 THEN 'pending' ELSE 'done' END, n % 1000 = 0, now() - n * interval '1 minute'
    FROM generate_series(1, 20000) AS n;
  CREATE TABLE posts (id int PRIMARY KEY, user_id int NOT NULL REFERENCES users, "we""ird" int);
  INSERT INTO posts SELECT n, n % 20000 + 1, n FROM generate_series(1, 40000) AS n;
  CREATE TABLE small (id int);
  ANALYZE`;

/** A query, its values, and what its index is on. */
const QUERIES: readonly [string, unknown[], string][] = [
  ['SELECT * FROM users WHERE email = $1', ['x'], '"users" ("email")'],
  ['SELECT * FROM users WHERE email = $1', [], '"users" ("email")'],
  ["SELECT * FROM users WHERE name = $1 AND email LIKE 'john%'", ['x'], '"users" ("name", "email")'],
  [
    "SELECT * FROM users WHERE name = $1 AND email LIKE 'john%' ORDER BY id",
    ['x'],
    '"users" ("name", "email")',
  ],
  ["SELECT * FROM users WHERE name = 'x' AND email LIKE $1", ['john%'], '"users" ("name", "email")'],
  ['SELECT * FROM users WHERE is_active AND id > $1', [10], '"users" ("id") WHERE "is_active"'],
  [
    "SELECT * FROM users WHERE status = 'pending' ORDER BY created_at DESC LIMIT 5",
    [],
    `"users" ("created_at") WHERE "status" = 'pending'::text`,
  ],
  ['DELETE FROM posts WHERE user_id = $1 AND "we""ird" > 5', [7], '"posts" ("user_id", "we""ird")'],
];

/** Each of the queries gets its one index. */
export async function expectAdvice(db: Queryable, verify: 'none' | 'transaction' | 'hypopg'): Promise<void> {
  for (const [query, params, expected] of QUERIES) {
    const { indexes } = await advise(db, query, params, { verify });
    expect(indexes.map(({ ddl }) => ddl.slice(ddl.indexOf('"public".') + 9))).toEqual([expected]);
    expect(indexes[0]).toMatchObject({ verified: verify, table: ['public', expected.split('"')[1]] });
    expect(indexes[0]!.gain).toBeGreaterThan(2);
    expect(typeof indexes[0]!.sizeBytes).toBe(verify === 'none' ? 'undefined' : 'number');
  }
}
