/** As it is often written first: a connection a query, a query a user, and no cache. */

import pg from 'pg';
import { type NewUser, PAGE_USERS, type Post, type User, type Users } from '../parts.ts';

/** Of a socket that failed, or of a server that stops or starts. */
const OUT_OF_REACH = /^(ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|ENOENT|57P0[123]|08\d{3}|53300)$/;

export type RunQuery = <Row extends object>(text: string, values: unknown[]) => Promise<Row[]>;

/** Connects, asks, disconnects. */
export function queryByConnecting(connectionString: string): RunQuery {
  return async <Row extends object>(text: string, values: unknown[]): Promise<Row[]> => {
    const client = new pg.Client({ connectionString });
    client.on('error', () => {});
    await client.connect();
    try {
      const { rows } = await client.query<Row>(text, values);
      return rows;
    } finally {
      await client.end().catch(() => {});
    }
  };
}

export function naiveUsers(query: RunQuery): Users {
  const userById = async (id: number): Promise<User | undefined> => {
    const [user] = await query<User>('SELECT id, name, email FROM users WHERE id = $1', [id]);
    return user;
  };
  const postsOf = (id: number): Promise<Post[]> =>
    query<Post>('SELECT id, title, body FROM posts WHERE user_id = $1 ORDER BY id', [id]);
  return {
    async find(id) {
      const user = await userById(id);
      return user && JSON.stringify(user);
    },
    async posts(id) {
      const user = await userById(id);
      return user && JSON.stringify(await postsOf(id));
    },
    async page(after) {
      const users = await query<User>(
        'SELECT id, name, email FROM users WHERE id > $1 ORDER BY id LIMIT $2',
        [after, PAGE_USERS],
      );
      const withPosts = [];
      for (const user of users) withPosts.push({ ...user, posts: await postsOf(user.id) });
      return JSON.stringify(withPosts);
    },
    async create({ name, email }: NewUser) {
      const [user] = await query<User>(
        'INSERT INTO users (name, email) VALUES ($1, $2) RETURNING id, name, email',
        [name, email],
      );
      return JSON.stringify(user);
    },
    async update(id, { name, email }) {
      const [user] = await query<User>(
        'UPDATE users SET name = $2, email = $3 WHERE id = $1 RETURNING id, name, email',
        [id, name, email],
      );
      return user && JSON.stringify(user);
    },
    async check() {
      await query('SELECT 1', []);
    },
    isUnavailable(error) {
      const { code, message = '' } = error as { code?: string; message?: string };
      return OUT_OF_REACH.test(code ?? '') || message.startsWith('Connection terminated');
    },
  };
}
