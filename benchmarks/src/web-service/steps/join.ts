import type { Queryable } from '@hotpath/database';
import { naiveParts } from '../naive/service.ts';
import { queryByConnecting } from '../naive/users.ts';
import { loadUsersWithPosts } from '../optimised/users.ts';
import { PAGE_USERS, type Parts, type ServiceConfig } from '../parts.ts';

/** A page is one JOIN instead of a statement for each user. */
export function joinStep(config: ServiceConfig): Parts {
  const query = queryByConnecting(config.databaseUrl);
  const db: Queryable = {
    async query(text, values = []) {
      const rows = await query(text, values);
      return { rows, rowCount: rows.length };
    },
  };
  const naive = naiveParts(config);
  return {
    ...naive,
    users: {
      ...naive.users,
      async page(after) {
        const ids = await query<{ id: number }>('SELECT id FROM users WHERE id > $1 ORDER BY id LIMIT $2', [
          after,
          PAGE_USERS,
        ]);
        const users = await loadUsersWithPosts(
          db,
          ids.map(({ id }) => id),
        );
        return JSON.stringify(users);
      },
    },
  };
}
