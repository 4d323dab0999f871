/**
 * D4: users with their posts. The naive variant asks for the users, and then for the posts of one user after the other, with a
 * prepared statement on a pool; the others send one LEFT JOIN and group its rows, ours while
 * they come. A user without posts has an empty list.
 */

import type { Case, Variant } from '../harness/case.ts';
import {
  type OpenUserPostsReader,
  type Post,
  USER_POSTS,
  type UserPostRow,
  joinQuery,
  joinedRows,
  loadUserPosts,
} from './user-posts.ts';

async function oneQueryAUser(): Promise<OpenUserPostsReader> {
  const { default: pg } = await import('pg');
  return async (url, { users, posts }) => {
    const pool = new pg.Pool({ connectionString: url, min: 5, max: 20 });
    const text = `SELECT id, title, body FROM ${posts} WHERE user_id = $1 ORDER BY id`;
    return {
      async read() {
        const { rows } = await pool.query<{ id: number; name: string; email: string }>({
          name: 'users',
          text: `SELECT id, name, email FROM ${users} ORDER BY id`,
        });
        const result = [];
        for (const user of rows) {
          const found = await pool.query<Post>({ name: 'posts', text, values: [user.id] });
          result.push({ ...user, posts: found.rows });
        }
        return result;
      },
      close: () => pool.end(),
    };
  };
}

async function ours(): Promise<OpenUserPostsReader> {
  const { createDatabase, nest } = await import('@hotpath/database');
  return async (url, tables) => {
    const db = createDatabase({ connectionString: url });
    await db.warm();
    const text = joinQuery(tables);
    const users = nest<UserPostRow>()(USER_POSTS);
    return {
      read: async () => (await users.load(db, text)) as never,
      close: () => db.close(),
    };
  };
}

function foldVariants(count: number): Record<string, Variant> {
  const fold = (kind: Variant['kind'], load: () => Promise<(rows: UserPostRow[]) => unknown>): Variant => ({
    kind,
    async setup(context) {
      const make = await load();
      const rows = joinedRows(context.seed, count);
      return { run: () => make(rows), answer: () => make(rows) };
    },
  });
  return {
    ours: fold('ours', async () => {
      const { nest } = await import('@hotpath/database');
      const users = nest<UserPostRow>()(USER_POSTS);
      return (rows) => users.fold(rows);
    }),
    nesthydrationjs: fold('peer', async () => (await import('./peers/nesthydrationjs.ts')).openFold()),
    'floor:by hand': fold('floor', async () => (await import('./peers/by-hand.ts')).foldByHand),
  };
}

/** Added to each round trip. */
const ROUND_TRIP_MS = 0.5;

/** The same with a network in between. */
function delayed(load: () => Promise<OpenUserPostsReader>): () => Promise<OpenUserPostsReader> {
  return async () => {
    const { openDelayed } = await import('./delayed.ts');
    const open = await load();
    return async (url, tables) => {
      const proxy = await openDelayed(url, ROUND_TRIP_MS / 2);
      const reader = await open(proxy.url, tables);
      return {
        read: () => reader.read(),
        async close() {
          await reader.close();
          await proxy.close();
        },
      };
    };
  };
}

const cases: readonly Case[] = [
  {
    id: 'D4',
    case: '100 users',
    package: 'database',
    tier: 'guide',
    params: { users: 100, postsEach: 10 },
    guide: { text: '1000 ms → 50 ms (20×)', ratio: 20, basis: 'ratio' },
    needs: ['postgres'],
    async: true,
    settings: 'the server on this machine; prepared statements in all variants',
    limit:
      'The guide’s 10 ms a query are a network’s. On one machine a prepared point query takes a fraction of a millisecond, and the JOIN’s rows, which both variants decode, remain.',
    variants: {
      naive: loadUserPosts('naive', 100, oneQueryAUser),
      ours: loadUserPosts('ours', 100, ours),
      nesthydrationjs: loadUserPosts('peer', 100, async () =>
        (await import('./peers/nesthydrationjs.ts')).openNestHydration(),
      ),
    },
  },
  {
    id: 'D4',
    case: `100 users, ${ROUND_TRIP_MS} ms away`,
    package: 'database',
    tier: 'guide',
    params: { users: 100, postsEach: 10, addedRoundTripMs: ROUND_TRIP_MS },
    guide: { text: '1000 ms → 50 ms (20×)', ratio: 20, basis: 'ratio' },
    needs: ['postgres'],
    async: true,
    settings: `through a proxy on loopback, in a thread of its own, that holds up what goes either way for ${ROUND_TRIP_MS / 2} ms; prepared statements in all variants`,
    variants: {
      naive: loadUserPosts('naive', 100, delayed(oneQueryAUser)),
      ours: loadUserPosts('ours', 100, delayed(ours)),
    },
  },
  {
    id: 'D4',
    case: 'fold 10K rows',
    package: 'database',
    tier: 'peers',
    params: { users: 1_100, rows: 10_010 },
    guide: null,
    async: false,
    variants: foldVariants(1_100),
  },
];

export default cases;
