import { type Nest, nest } from '@hotpath/database';
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
