import type { CaseContext, Variant, VariantKind } from '../harness/case.ts';
import { USERS_COLUMNS, fillUsers, openKeeper } from './users.ts';

export interface Post {
  readonly id: number;
  readonly title: string;
  readonly body: string;
}

export interface UserWithPosts {
  readonly id: number;
  readonly name: string;
  readonly email: string;
  readonly posts: readonly Post[];
}

/** A row of the JOIN; the post's columns are null for a user without posts. */
export interface UserPostRow {
  readonly u_id: number;
  readonly u_name: string;
  readonly u_email: string;
  readonly p_id: number | null;
  readonly p_title: string | null;
  readonly p_body: string | null;
}

export interface Tables {
  readonly users: string;
  readonly posts: string;
}

/** One way to load all users with their posts. */
export interface UserPostsReader {
  read(): Promise<readonly UserWithPosts[]>;
  close(): Promise<void>;
}

export type OpenUserPostsReader = (url: string, tables: Tables) => Promise<UserPostsReader>;

export const POSTS_EACH = 10;

/** The guide's JOIN. */
export function joinQuery({ users, posts }: Tables): string {
  return `SELECT u.id AS u_id, u.name AS u_name, u.email AS u_email, p.id AS p_id, p.title AS p_title, p.body AS p_body
    FROM ${users} u LEFT JOIN ${posts} p ON p.user_id = u.id ORDER BY u.id, p.id`;
}

/** What ours makes of the JOIN's rows. */
export const USER_POSTS = {
  key: 'u_id',
  fields: { id: 'u_id', name: 'u_name', email: 'u_email' },
  many: { posts: { key: 'p_id', fields: { id: 'p_id', title: 'p_title', body: 'p_body' } } },
} as const;

/** Rows as the JOIN gives them: `count` users, of whom every tenth has no posts. */
export function joinedRows(seed: number, count: number): UserPostRow[] {
  const rows: UserPostRow[] = [];
  for (let user = 1; user <= count; user++) {
    const common = { u_id: user, u_name: `user ${user} of ${seed}`, u_email: `user${user}@example.com` };
    if (user % 10 === 0) {
      rows.push({ ...common, p_id: null, p_title: null, p_body: null });
      continue;
    }
    for (let post = 0; post < POSTS_EACH; post++) {
      const id = user * POSTS_EACH + post;
      rows.push({ ...common, p_id: id, p_title: `title ${id}`, p_body: `body of post ${id}` });
    }
  }
  return rows;
}

/** One operation loads `count` users; each but the last has ten posts. */
export function loadUserPosts(
  kind: VariantKind,
  count: number,
  load: () => Promise<OpenUserPostsReader>,
): Variant {
  return {
    kind,
    async setup(context: CaseContext) {
      const open = await load();
      const keeper = await openKeeper(context);
      const tables: Tables = { users: `users_${context.uniqueName}`, posts: `posts_${context.uniqueName}` };
      await keeper.query(`CREATE TABLE ${tables.users} ${USERS_COLUMNS}`);
      await fillUsers(keeper, tables.users, context.seed, count);
      await keeper.query(
        `CREATE TABLE ${tables.posts} (id integer PRIMARY KEY, user_id integer NOT NULL, title text NOT NULL, body text NOT NULL) WITH (autovacuum_enabled = off)`,
      );
      await keeper.query(
        `INSERT INTO ${tables.posts} SELECT n, (n - 1) / ${POSTS_EACH} + 1, 'title ' || n, repeat('body ', 5) || n FROM generate_series(1, $1::int) AS n`,
        [(count - 1) * POSTS_EACH],
      );
      await keeper.query(`CREATE INDEX ON ${tables.posts} (user_id)`);
      await keeper.query(`ANALYZE ${tables.posts}`);
      const reader = await open(context.postgresUrl, tables);
      return {
        run: () => reader.read(),
        answer: () => reader.read(),
        async close() {
          await reader.close();
          await keeper.query(`DROP TABLE ${tables.users}, ${tables.posts}`);
          await keeper.end();
        },
      };
    },
  };
}
