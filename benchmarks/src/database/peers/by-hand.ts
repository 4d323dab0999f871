import type { Post, UserPostRow } from '../user-posts.ts';

/** The loop one would write for exactly these rows: right only while a user's rows are together and no post comes twice. */
export function foldByHand(rows: readonly UserPostRow[]): unknown {
  const users: { id: number; name: string; email: string; posts: Post[] }[] = [];
  let last: number | undefined;
  let posts: Post[] = [];
  for (const row of rows) {
    if (row.u_id !== last) {
      last = row.u_id;
      posts = [];
      users.push({ id: row.u_id, name: row.u_name, email: row.u_email, posts });
    }
    if (row.p_id !== null) posts.push({ id: row.p_id, title: row.p_title!, body: row.p_body! });
  }
  return users;
}
