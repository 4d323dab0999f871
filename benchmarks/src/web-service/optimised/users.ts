/**
 * Users out of memory, else out of Redis, else out of Postgres by one statement for all that are missing.
 *
 *   find(7) ──► peek: there? ──yes──► sent in the same turn, no promise, no serialization
 *                  │ no
 *                  ▼
 *              get: Redis ──► Postgres: misses of one turn, one JOIN, folded by `nest` as its rows arrive
 *
 * What is cached is the text that is sent: a user's JSON, and that of the posts. A change is written to Postgres first
 * and invalidated second; the cache sees to it that no read which began before the change stores what it had read.
 */

import { type Cache, RemoteLoadError } from '@hotpath/cache';
import {
  ConnectionLostError,
  type Database,
  InsertError,
  insertMany,
  isRetryable,
  nest,
  type Queryable,
  QueryError,
  QueryTimeoutError,
} from '@hotpath/database';
import { createBatcher, OverflowError } from '@hotpath/io';
import { type Json, type NewUser, PAGE_USERS, type User, type Users, type UserWithPosts } from '../parts.ts';

/** A user as it is cached. */
interface UserText {
  /** `{"id":7,"name":…,"email":…}` */
  readonly user: Json;
  /** `[{"id":70,"title":…,"body":…},…]` */
  readonly posts: Json;
}

/** A row of the JOIN. A user without posts has one, where the post's columns are null: `nest` makes no post of it. */
interface UserPostRow extends User {
  readonly post_id: number | null;
  readonly title: string;
  readonly body: string;
}

const USERS_WITH_POSTS = `SELECT u.id, u.name, u.email, p.id AS post_id, p.title, p.body
  FROM users u LEFT JOIN posts p ON p.user_id = u.id
  WHERE u.id = ANY($1::int[]) ORDER BY u.id, p.id`;

const usersWithPosts = nest<UserPostRow>()({
  key: 'id',
  fields: { id: 'id', name: 'name', email: 'email' },
  many: { posts: { key: 'post_id', fields: { id: 'post_id', title: 'title', body: 'body' } } },
});

/** Those of these users who exist, in the order of their ids. */
export function loadUsersWithPosts(db: Queryable, ids: readonly number[]): Promise<UserWithPosts[]> {
  return usersWithPosts.load(db, USERS_WITH_POSTS, [ids]);
}

function textOf({ id, name, email, posts }: UserWithPosts): UserText {
  return { user: JSON.stringify({ id, name, email }), posts: JSON.stringify(posts) };
}

/** Puts the posts inside the user's braces. */
function joinText({ user, posts }: UserText): Json {
  return `${user.slice(0, -1)},"posts":${posts}}`;
}

/** Of a server that is shut down, has crashed or starts. */
const OUT_OF_SERVICE = /^57P0[123]$/;

export function isUnavailable(error: unknown): boolean {
  if (error instanceof InsertError) return isUnavailable(error.cause);
  if (error instanceof QueryError) return OUT_OF_SERVICE.test(error.sqlState);
  return (
    isRetryable(error) ||
    error instanceof ConnectionLostError ||
    error instanceof QueryTimeoutError ||
    error instanceof OverflowError ||
    // Whoever loads for all tells its operator; who waited for it knows no more than that there is no answer.
    error instanceof RemoteLoadError
  );
}

export interface OptimisedUsers extends Users {
  /** Reads the users who were asked for most, into memory and Redis. */
  warmUp(count: number): Promise<void>;
  /** After the inserts that are under way. */
  close(): Promise<void>;
}

/** Users a statement of the warm-up: enough for few round trips, few enough to leave the event loop its turns. */
const WARM_UP_USERS = 500;

export function optimisedUsers(db: Database, cache: Cache): OptimisedUsers {
  const texts = cache.define<UserText, number>({
    name: 'user',
    loadMany: async (ids) => {
      const found = await loadUsersWithPosts(db, ids);
      const byId = new Map(found.map((user) => [user.id, textOf(user)]));
      return ids.map((id) => byId.get(id));
    },
  });
  // One INSERT for all who sign up during the one before it.
  const inserts = createBatcher(async (users: readonly NewUser[]) => {
    const { rows } = await insertMany<NewUser, { id: number }>(db, 'users', users, {
      columns: ['name', 'email'],
      returning: ['id'],
    });
    return rows.map(({ id }) => id);
  });

  return {
    find(id) {
      return texts.peek(id)?.user ?? texts.get(id).then((text) => text?.user);
    },
    posts(id) {
      return texts.peek(id)?.posts ?? texts.get(id).then((text) => text?.posts);
    },
    async page(after) {
      // Never cached: which users there are changes with every sign-up. The users themselves are.
      const { rows } = await db.query<{ id: number }>(
        'SELECT id FROM users WHERE id > $1 ORDER BY id LIMIT $2',
        [after, PAGE_USERS],
      );
      const found = await texts.getMany(rows.map(({ id }) => id));
      return `[${found.flatMap((text) => (text === undefined ? [] : [joinText(text)])).join(',')}]`;
    },
    async create({ name, email }) {
      const id = await inserts.add({ name, email });
      return JSON.stringify({ id, name, email });
    },
    async update(id, { name, email }) {
      const { rowCount } = await db.query('UPDATE users SET name = $2, email = $3 WHERE id = $1', [
        id,
        name,
        email,
      ]);
      if (rowCount === 0) return undefined;
      await texts.invalidate(id);
      return JSON.stringify({ id, name, email });
    },
    async check() {
      await db.query('SELECT 1', []);
    },
    isUnavailable,
    async warmUp(count) {
      const { rows } = await db.query<{ id: number }>('SELECT id FROM users ORDER BY views DESC LIMIT $1', [
        count,
      ]);
      for (let from = 0; from < rows.length; from += WARM_UP_USERS) {
        await texts.getMany(rows.slice(from, from + WARM_UP_USERS).map(({ id }) => id));
      }
    },
    close: () => inserts.close(),
  };
}
