import { createHash } from 'node:crypto';
import { ArgumentTypeError } from './errors.ts';

/** Longest key that is stored as it is; a btree row of Postgres ends at 2704 bytes, and a character is up to 3 of them. */
const MAX_KEY_LENGTH = 512;

/** Marks a hashed key. A user's key that begins with it is hashed too, so that the two can never meet. */
export const HASHED = '~';

/** Finds the rare key that {@link UNSAFE} has to look at; emoji are among them. */
const SUSPECT = /[\0\uD800-\uDFFF]/;

/** NUL, which Postgres refuses, and half surrogate pairs, which every UTF-8 encoder turns into the same character. */
const UNSAFE = /\0|[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/;

/**
 * The key under which a value is stored at every level: the key itself, or, when some tier could not hold it or could
 * mistake it for another, its SHA-256.
 *
 * @throws {ArgumentTypeError} when the key is no string.
 */
export function storageKey(key: string): string {
  if (typeof key !== 'string') throw new ArgumentTypeError(`key: expected a string, got ${typeof key}`);
  if (key.length <= MAX_KEY_LENGTH && !key.startsWith(HASHED) && !(SUSPECT.test(key) && UNSAFE.test(key)))
    return key;
  // UTF-16, because UTF-8 would already merge the half pairs.
  return HASHED + createHash('sha256').update(Buffer.from(key, 'utf16le')).digest('base64url');
}

/**
 * What the stored keys begin with that are stored as they are, of keys that begin with `prefix`: the prefix up to what no key
 * is stored with. Half a surrogate pair at its end may be the first half of a whole one.
 */
export function storagePrefix(prefix: string): string {
  const unsafeAt = prefix.search(UNSAFE);
  return unsafeAt === -1 ? prefix : prefix.slice(0, unsafeAt);
}
