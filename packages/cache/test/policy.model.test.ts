import { ArcCache, S3FifoCache } from '@hotpath/cache/policy';
import fc from 'fast-check';
import { LRUCache } from 'lru-cache';
import { expect, test } from 'vitest';
import { fingerprint, Ghosts } from '../dist/policy/ghosts.js';
import { LruStore } from '../dist/policy/lru.js';

/** What both must do, written for the eye and not for speed. */
interface Reference {
  get(key: string): number | undefined;
  set(key: string, value: number): void;
  delete(key: string): boolean;
  clear(): void;
  keys(): string[];
}

/** The paper's figure 4, on arrays, most recent first; the last place of a list is its tail. */
class ArcReference implements Reference {
  readonly #max: number;
  readonly #values = new Map<string, number>();
  #t1: string[] = [];
  #t2: string[] = [];
  #b1: string[] = [];
  #b2: string[] = [];
  #p = 0;

  constructor(max: number) {
    this.#max = max;
  }

  get(key: string): number | undefined {
    if (!this.#values.has(key)) return undefined;
    this.#forget(key);
    this.#t2.unshift(key);
    return this.#values.get(key);
  }

  set(key: string, value: number): void {
    if (this.#values.has(key)) {
      this.get(key);
    } else if (this.#b1.includes(key)) {
      this.#p = Math.min(this.#max, this.#p + Math.max(this.#b2.length / this.#b1.length, 1));
      this.#replace(false);
      this.#forget(key);
      this.#t2.unshift(key);
    } else if (this.#b2.includes(key)) {
      this.#p = Math.max(0, this.#p - Math.max(this.#b1.length / this.#b2.length, 1));
      this.#replace(true);
      this.#forget(key);
      this.#t2.unshift(key);
    } else {
      const all = this.#t1.length + this.#t2.length + this.#b1.length + this.#b2.length;
      if (this.#t1.length + this.#b1.length === this.#max) {
        if (this.#t1.length < this.#max) this.#b1.pop();
        else this.#values.delete(this.#t1.pop()!);
      } else if (all === 2 * this.#max) {
        this.#b2.pop();
      }
      this.#replace(false);
      this.#t1.unshift(key);
    }
    this.#values.set(key, value);
  }

  delete(key: string): boolean {
    this.#forget(key);
    return this.#values.delete(key);
  }

  clear(): void {
    this.#values.clear();
    this.#t1 = [];
    this.#t2 = [];
    this.#b1 = [];
    this.#b2 = [];
    this.#p = 0;
  }

  keys(): string[] {
    return [...this.#values.keys()];
  }

  #replace(fromB2: boolean): void {
    const [held, once] = [this.#t1.length + this.#t2.length, this.#t1.length];
    if (held < this.#max) return;
    if (this.#t2.length === 0 || (once > 0 && (once > this.#p || (fromB2 && once === this.#p)))) {
      const gone = this.#t1.pop()!;
      this.#values.delete(gone);
      this.#b1.unshift(gone);
    } else {
      const gone = this.#t2.pop()!;
      this.#values.delete(gone);
      this.#b2.unshift(gone);
    }
  }

  #forget(key: string): void {
    for (const list of [this.#t1, this.#t2, this.#b1, this.#b2]) {
      const index = list.indexOf(key);
      if (index >= 0) list.splice(index, 1);
    }
  }
}

/** Of a value under test. */
const bytesOf = (value: number): number => value % 13;

/** The paper's algorithm 1 with a threshold of one use, on arrays; the ghosts are the real ones, whose loss is theirs. */
class S3FifoReference implements Reference {
  readonly #max: number;
  readonly #maxBytes: number;
  readonly #entries = new Map<string, { value: number; uses: number }>();
  #small: string[] = [];
  #main: string[] = [];
  readonly #ghosts: Ghosts;

  constructor(max: number, maxBytes: number = Infinity) {
    this.#max = max;
    this.#maxBytes = maxBytes;
    this.#ghosts = new Ghosts(Math.max(1, max - Math.max(1, Math.floor(max / 10))));
  }

  #bytes(): number {
    let bytes = 0;
    for (const { value } of this.#entries.values()) bytes += bytesOf(value);
    return bytes;
  }

  get(key: string): number | undefined {
    const entry = this.#entries.get(key);
    if (entry !== undefined) entry.uses = Math.min(3, entry.uses + 1);
    return entry?.value;
  }

  set(key: string, value: number): void {
    if (bytesOf(value) > this.#maxBytes) {
      this.delete(key);
      return;
    }
    const held = this.#entries.get(key);
    if (held !== undefined) {
      held.value = value;
      this.get(key);
      while (this.#bytes() > this.#maxBytes) this.#evictOne();
      return;
    }
    const isBack = this.#ghosts.take(fingerprint(key));
    while (this.#entries.size >= this.#max || this.#bytes() + bytesOf(value) > this.#maxBytes)
      this.#evictOne();
    (isBack ? this.#main : this.#small).unshift(key);
    this.#entries.set(key, { value, uses: 0 });
  }

  delete(key: string): boolean {
    this.#small = this.#small.filter((each) => each !== key);
    this.#main = this.#main.filter((each) => each !== key);
    return this.#entries.delete(key);
  }

  clear(): void {
    this.#small = [];
    this.#main = [];
    this.#entries.clear();
    this.#ghosts.clear();
  }

  keys(): string[] {
    return [...this.#entries.keys()];
  }

  #evictOne(): void {
    const share = Math.max(1, Math.floor(this.#entries.size / 10));
    if (this.#small.length >= share || this.#main.length === 0) {
      for (let key = this.#small.pop(); key !== undefined; key = this.#small.pop()) {
        const entry = this.#entries.get(key)!;
        if (entry.uses === 0) {
          this.#entries.delete(key);
          this.#ghosts.add(fingerprint(key));
          return;
        }
        entry.uses = 0;
        this.#main.unshift(key);
      }
    }
    for (;;) {
      const key = this.#main.pop()!;
      const entry = this.#entries.get(key)!;
      if (entry.uses === 0) {
        this.#entries.delete(key);
        return;
      }
      entry.uses--;
      this.#main.unshift(key);
    }
  }
}

const step = fc.oneof(
  { weight: 80, arbitrary: fc.record({ what: fc.constant('read' as const), key: fc.nat(30) }) },
  { weight: 20, arbitrary: fc.record({ what: fc.constant('set' as const), key: fc.nat(30) }) },
  { weight: 10, arbitrary: fc.record({ what: fc.constant('delete' as const), key: fc.nat(30) }) },
  { weight: 10, arbitrary: fc.record({ what: fc.constant('scan' as const), key: fc.nat(1000) }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('clear' as const), key: fc.constant(0) }) },
);

test.each([
  ['ArcCache', (max: number) => new ArcCache<number>(max), (max: number) => new ArcReference(max)],
  ['S3FifoCache', (max: number) => new S3FifoCache<number>(max), (max: number) => new S3FifoReference(max)],
  [
    'S3FifoCache with a limit in bytes',
    (max: number) => new S3FifoCache<number>(max, { maxBytes: 3 * max, sizeOf: bytesOf }),
    (max: number) => new S3FifoReference(max, 3 * max),
  ],
] as const)('%s keeps what the paper keeps, whatever is asked of it', (_name, make, makeReference) => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 25 }),
      fc.array(step, { maxLength: 300, size: 'max' }),
      (max, steps) => {
        const cache = make(max);
        const reference = makeReference(max);
        let value = 0;
        const both = <T>(act: (each: ArcCache<number> | S3FifoCache<number> | Reference) => T): T => {
          const answer = act(cache);
          expect(answer).toEqual(act(reference));
          return answer;
        };
        const read = (key: string): void => {
          if (both((each) => each.get(key)) !== undefined) return;
          value++;
          both((each) => each.set(key, value));
        };
        for (const { what, key } of steps) {
          if (what === 'read') read(`k${key}`);
          else if (what === 'scan') for (let i = 0; i < 5; i++) read(`s${key + i}`);
          else if (what === 'set') {
            value++;
            both((each) => each.set(`k${key}`, value));
          } else if (what === 'delete') both((each) => each.delete(`k${key}`));
          else
            both((each) => {
              each.clear();
            });
          cache.checkInvariants();
        }
        const kept = reference.keys();
        expect(cache.size).toBe(kept.length);
        for (const key of kept) expect(cache.peek(key)).toBeDefined();
      },
    ),
    { numRuns: 300 },
  );
});

/** lru-cache knows no size of 0. */
const sizeOf = (value: number): number => 1 + bytesOf(value);

test.each([
  [
    'in entries',
    (max: number) => new LruStore<number>(max),
    (max: number) => new LRUCache<string, number>({ max }),
  ],
  [
    'in bytes',
    (max: number) => new LruStore<number>(max, { maxBytes: 3 * max, sizeOf }),
    (max: number) => new LRUCache<string, number>({ max, maxSize: 3 * max, sizeCalculation: sizeOf }),
  ],
])(
  'what is read from lru-cache’s table is what lru-cache has, and counts as used, with a limit %s',
  (_name, make, makeReference) => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 25 }),
        fc.array(step, { maxLength: 300, size: 'max' }),
        (max, steps) => {
          const store = make(max);
          const reference = makeReference(max);
          let value = 0;
          const set = (key: string): void => {
            value++;
            store.set(key, value);
            reference.set(key, value);
          };
          const read = (key: string): void => {
            const found = reference.get(key);
            expect(store.get(key)).toBe(found);
            if (found === undefined) set(key);
          };
          for (const { what, key } of steps) {
            if (what === 'read') read(`k${key}`);
            else if (what === 'scan') for (let i = 0; i < 5; i++) read(`s${key + i}`);
            else if (what === 'set') set(`k${key}`);
            else if (what === 'delete') expect(store.delete(`k${key}`)).toBe(reference.delete(`k${key}`));
            else {
              store.clear();
              reference.clear();
            }
            expect(store.size).toBe(reference.size);
            expect(store.calculatedSize).toBe(reference.calculatedSize);
          }
          for (const [key, kept] of reference.entries()) expect(store.peek(key)).toBe(kept);
        },
      ),
      { numRuns: 200 },
    );
  },
);
