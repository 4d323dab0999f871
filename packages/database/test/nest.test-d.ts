import { type Nest, type TableNest, nest, nestTables } from '@hotpath/database';
import { expectTypeOf, test } from 'vitest';

interface Row {
  readonly id: number;
  readonly name: string;
  readonly post_id: string | null;
  readonly title: string | null;
  readonly profile_id: number | null;
  readonly bio: string | null;
}

interface User {
  id: number;
  label: string;
  posts: { id: string; title: string | null; again: { name: string }[] }[];
  profile: { bio: string | null; id: number } | null;
}

test('the result’s type follows from the rows and the spec', () => {
  const users = nest<Row>()({
    key: 'id',
    fields: { id: 'id', label: 'name' },
    many: {
      posts: {
        key: ['id', 'post_id'],
        fields: { id: 'post_id', title: 'title' },
        many: { again: { key: 'post_id', fields: { name: 'name' } } },
      },
    },
    one: { profile: { key: 'profile_id', fields: { bio: 'bio', id: 'profile_id' } } },
  });
  expectTypeOf(users).toEqualTypeOf<Nest<Row, User>>();
  expectTypeOf(users.load({ query: async () => ({ rows: [], rowCount: 0 }) }, '')).toEqualTypeOf<
    Promise<User[]>
  >();
  const [user] = users.fold([]);
  expectTypeOf(user!.id).toEqualTypeOf<number>();
  expectTypeOf(user!.label).toEqualTypeOf<string>();
  expectTypeOf(user!.posts[0]!.id).toEqualTypeOf<string>();
  expectTypeOf(user!.posts[0]!.title).toEqualTypeOf<string | null>();
  expectTypeOf(user!.profile).toEqualTypeOf<{ bio: string | null; id: number } | null>();
});

test('columns that the rows do not have are errors', () => {
  // @ts-expect-error no such column
  nest<Row>()({ key: 'nope', fields: {} });
  // @ts-expect-error no such column
  nest<Row>()({ key: 'id', fields: { a: 'nope' } });
  // @ts-expect-error no such column
  nest<Row>()({ key: 'id', fields: {}, many: { posts: { key: 'nope', fields: {} } } });
});

test('tables that belong to each other give nested objects, and other columns are errors', () => {
  interface Tables {
    users: { id: number; name: string; team_id: number | null };
    teams: { id: number; title: string };
    posts: { id: number; user_id: number; title: string | null };
  }
  const users = nestTables<Tables>()({
    table: 'users',
    key: 'id',
    fields: { label: 'name' },
    many: {
      posts: { table: 'posts', on: { user_id: 'id' }, key: ['id', 'user_id'], fields: { title: 'title' } },
    },
    one: { team: { table: 'teams', on: { id: 'team_id' }, key: 'id', fields: { title: 'title' } } },
  });
  expectTypeOf(users).toEqualTypeOf<
    TableNest<{ label: string; posts: { title: string | null }[]; team: { title: string } | null }>
  >();
  // @ts-expect-error no such table
  nestTables<Tables>()({ table: 'nope', key: 'id', fields: {} });
  // @ts-expect-error a column of another table
  nestTables<Tables>()({ table: 'users', key: 'title', fields: {} });
  // @ts-expect-error no such column of the parent
  nestTables<Tables>()({
    table: 'users',
    key: 'id',
    fields: {},
    many: { posts: { table: 'posts', on: { user_id: 'title' }, key: 'id', fields: {} } },
  });
});
