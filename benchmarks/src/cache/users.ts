import type { CaseContext } from '../harness/case.ts';
import { createRandom } from '../workloads/random.ts';

/** What the cache holds: a row of a users table, about 200 bytes of JSON. */
export interface User {
  readonly id: number;
  readonly name: string;
  readonly email: string;
  readonly isActive: boolean;
  readonly createdAt: string;
  readonly roles: readonly string[];
  readonly balance: number;
}

/** A power of two, so that going round them is a mask. */
export const USER_COUNT = 1024;

const ROLES = ['reader', 'writer', 'moderator', 'admin'];

/** Users 0 to {@link USER_COUNT} − 1 of a seed. */
export function usersOf(seed: number): readonly User[] {
  const next = createRandom(seed);
  return Array.from({ length: USER_COUNT }, (_, id) => ({
    id,
    name: `User ${Math.floor(next() * 1e9)}`,
    email: `user.${id}.${Math.floor(next() * 1e9)}@example.com`,
    isActive: next() < 0.9,
    createdAt: new Date(1.6e12 + Math.floor(next() * 1e11)).toISOString(),
    roles: ROLES.filter(() => next() < 0.5),
    balance: Math.floor(next() * 1e6) / 100,
  }));
}

/** `user:<id>` for each, in a seeded order: the order in which they are asked for. */
export function keysOf(seed: number): readonly string[] {
  const next = createRandom(seed + 1);
  const keys = Array.from({ length: USER_COUNT }, (_, id) => `user:${id}`);
  for (let i = keys.length - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1));
    [keys[i], keys[j]] = [keys[j]!, keys[i]!];
  }
  return keys;
}

/** A way to read users that were stored beforehand. */
export interface UserReader {
  get(key: string): unknown;
  close?(): void | Promise<void>;
}

/** Stores the users where they are to be read from. */
export type OpenUserReader = (
  context: CaseContext,
  entries: readonly (readonly [key: string, user: User])[],
) => UserReader | Promise<UserReader>;
