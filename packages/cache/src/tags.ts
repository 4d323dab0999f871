import { randomBytes } from 'node:crypto';
import { ArgumentTypeError } from './errors.ts';

/** Tags of one value; more would be a list, not a few marks. */
const MAX_TAGS = 32;
/** Keys that are known by their tags; past it the index begins anew, and memory with it. */
const MAX_INDEXED = 100_000;

/** A new stand of a tag. */
export function newStand(): string {
  return randomBytes(9).toString('base64url');
}

/**
 * The tags of one definition.
 *
 * Each tag has a stand, a random word that all processes share through the levels and that goes when the tag is
 * invalidated. A value is stored with the stands that its tags had before it was loaded, its stamp; when they stand
 * elsewhere it is no longer valid. So nothing has to find all keys of a tag, and a load that an invalidation overtook
 * leaves a value with an old stamp. Only memory, which does not look at stamps, needs to know its keys by tag.
 */
export class TagIndex<Id> {
  readonly #tagsOf: (id: Id) => readonly string[];
  readonly #standsOf: (tags: readonly string[]) => Promise<readonly string[]>;
  readonly #onOverflow: () => void;
  readonly #keys = new Map<string, Set<string>>();
  #count = 0;

  constructor(
    tagsOf: (id: Id) => readonly string[],
    standsOf: (tags: readonly string[]) => Promise<readonly string[]>,
    onOverflow: () => void,
  ) {
    this.#tagsOf = tagsOf;
    this.#standsOf = standsOf;
    this.#onOverflow = onOverflow;
  }

  async stampOf(id: Id): Promise<string> {
    return (await this.#standsOf(this.#tags(id))).join('.');
  }

  /** The key may be in memory from now on. */
  note(key: string, id: Id): void {
    if (this.#count >= MAX_INDEXED) this.#onOverflow();
    for (const tag of this.#tags(id)) {
      let keys = this.#keys.get(tag);
      if (keys === undefined) this.#keys.set(tag, (keys = new Set()));
      const before = keys.size;
      keys.add(key);
      this.#count += keys.size - before;
    }
  }

  /** Which keys may be in memory with one of these tags; they are taken to be gone after. */
  keysOf(tags: readonly string[]): string[] {
    const found: string[] = [];
    for (const tag of tags) {
      const keys = this.#keys.get(tag);
      if (keys === undefined) continue;
      this.#keys.delete(tag);
      this.#count -= keys.size;
      found.push(...keys);
    }
    return found;
  }

  forgetAll(): void {
    this.#keys.clear();
    this.#count = 0;
  }

  #tags(id: Id): readonly string[] {
    const tags: unknown = this.#tagsOf(id);
    if (!Array.isArray(tags) || tags.length > MAX_TAGS || !tags.every((tag) => typeof tag === 'string')) {
      throw new ArgumentTypeError(`tags: expected at most ${MAX_TAGS} strings, got something else`);
    }
    return tags;
  }
}
