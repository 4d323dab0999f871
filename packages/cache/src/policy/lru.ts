import { LRUCache } from 'lru-cache';
import type { EntryStore } from './entry-store.ts';

/**
 * lru-cache, with a `get` of our own over its table: the key's slot, a move to the list's end, the value. Its own `get` reads six
 * options, makes an object for them where V8 does not inline it, and asks whether the value is a load under way and how old
 * it is, none of which is used here: a third of a hit's time. Everything that changes the table is left to lru-cache.
 */
export class LruStore<V extends object | number> implements EntryStore<V> {
  readonly #cache: LRUCache<string, V>;
  readonly #slots: ReadonlyMap<string, number>;
  readonly #values: readonly unknown[];
  readonly #touch: (slot: number) => void;

  constructor(
    maxEntries: number,
    bytes?: { readonly maxBytes: number; readonly sizeOf: (value: V) => number },
  ) {
    this.#cache = new LRUCache<string, V>({
      max: maxEntries,
      ...(bytes === undefined ? {} : { maxSize: bytes.maxBytes, sizeCalculation: bytes.sizeOf }),
    });
    const { keyMap, valList, moveToTail } = LRUCache.unsafeExposeInternals(this.#cache);
    this.#slots = keyMap;
    this.#values = valList;
    this.#touch = moveToTail;
  }

  get size(): number {
    return this.#slots.size;
  }

  get calculatedSize(): number {
    return this.#cache.calculatedSize;
  }

  get(key: string): V | undefined {
    const slot = this.#slots.get(key);
    if (slot === undefined) return undefined;
    this.#touch(slot);
    return this.#values[slot] as V;
  }

  peek(key: string): V | undefined {
    const slot = this.#slots.get(key);
    return slot === undefined ? undefined : (this.#values[slot] as V);
  }

  set(key: string, value: V): void {
    this.#cache.set(key, value);
  }

  delete(key: string): boolean {
    return this.#cache.delete(key);
  }

  clear(): void {
    this.#cache.clear();
  }
}
