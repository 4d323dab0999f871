import { createRequire } from 'node:module';
import pg from 'pg';
import { type OpenUserPostsReader, type UserPostRow, joinQuery } from '../user-posts.ts';

interface NestHydration {
  nest(rows: readonly object[], definition: unknown): unknown;
}

// CommonJS without types.
const create = createRequire(import.meta.url)('nesthydrationjs') as () => NestHydration;

const DEFINITION = [
  {
    id: { column: 'u_id' },
    name: 'u_name',
    email: 'u_email',
    posts: [{ id: { column: 'p_id' }, title: 'p_title', body: 'p_body' }],
  },
];

export function openFold(): (rows: UserPostRow[]) => unknown {
  const hydration = create();
  return (rows) => hydration.nest(rows, DEFINITION);
}

/** The JOIN through pg, prepared, grouped by NestHydrationJS. */
export function openNestHydration(): OpenUserPostsReader {
  return async (url, tables) => {
    const pool = new pg.Pool({ connectionString: url, min: 5, max: 20 });
    const text = joinQuery(tables);
    const fold = openFold();
    return {
      async read() {
        const { rows } = await pool.query<UserPostRow>({ name: 'join', text });
        return fold(rows) as never;
      },
      close: () => pool.end(),
    };
  };
}
