/**
 * M3: a thousand requests, each of which needs 1024, 2048 and 512 bytes, writes every byte of them, and drops them at its
 * end. Two cases: the buffers are filled, and they take copies of what came in as ordinary arrays.
 */

import type { Case, CaseContext, Operation, Variant } from '../harness/case.ts';

const REQUESTS = 1000;
const SIZES = [1024, 2048, 512] as const;

/** Over ordinary memory the arena is lent this much. */
const LENT_BYTES = 65_536;

/** A body that is copied in whole, and how many of them an operation copies. */
const BODY_BYTES = 32_768;
const BODIES = 100;

/** Runs one request after another; the number of the request is what it fills its buffers with. */
function operation(request: (tag: number) => number, close?: () => void): Operation {
  const run = (): number => {
    let total = 0;
    for (let i = 0; i < REQUESTS; i++) total += request(i & 0x7f);
    return total;
  };
  return close === undefined ? { run, answer: run } : { run, answer: run, close };
}

/** What a request brings, one array a buffer that it needs. */
function inputsOf({ seed }: CaseContext): readonly [Uint8Array, Uint8Array, Uint8Array] {
  const of = (sizeBytes: number): Uint8Array =>
    Uint8Array.from({ length: sizeBytes }, (_, i) => (seed + i * 31) & 0xff);
  return [of(SIZES[0]), of(SIZES[1]), of(SIZES[2])];
}

/** What the request looks at: the last byte of each buffer. */
function look(first: Uint8Array, second: Uint8Array, third: Uint8Array): number {
  return first[1023]! + second[2047]! + third[511]!;
}

async function arenaOf(isLent: boolean) {
  const { Arena } = await import('@hotpath/memory');
  return isLent ? new Arena({ memory: { buffer: new ArrayBuffer(LENT_BYTES) } }) : new Arena();
}

function arenaFills(isLent: boolean): Variant {
  return {
    kind: 'ours',
    async setup() {
      const arena = await arenaOf(isLent);
      const request = (tag: number): number => {
        const first = arena.allocate(1024);
        arena.fill(first, 1024, tag);
        const second = arena.allocate(2048);
        arena.fill(second, 2048, tag);
        const third = arena.allocate(512);
        arena.fill(third, 512, tag);
        const { u8 } = arena;
        const result =
          u8[arena.offsetOf(first) + 1023]! +
          u8[arena.offsetOf(second) + 2047]! +
          u8[arena.offsetOf(third) + 511]!;
        arena.reset();
        return result;
      };
      return operation(request, () => {
        arena.release();
      });
    },
  };
}

function arenaCopies(isLent: boolean): Variant {
  return {
    kind: 'ours',
    async setup(context) {
      const [a, b, c] = inputsOf(context);
      const arena = await arenaOf(isLent);
      const request = (): number => {
        const first = arena.offsetOf(arena.allocate(1024));
        arena.u8.set(a, first);
        const second = arena.offsetOf(arena.allocate(2048));
        arena.u8.set(b, second);
        const third = arena.offsetOf(arena.allocate(512));
        arena.u8.set(c, third);
        const { u8 } = arena;
        const result = u8[first + 1023]! + u8[second + 2047]! + u8[third + 511]!;
        arena.reset();
        return result;
      };
      return operation(request, () => {
        arena.release();
      });
    },
  };
}

/** One body after another, of which `copy` shows the ends. */
function bodies(
  { seed }: CaseContext,
  copy: (body: Uint8Array) => { readonly [index: number]: number },
  close?: () => void,
): Operation {
  const body = Uint8Array.from({ length: BODY_BYTES }, (_, i) => (seed + i * 31) & 0xff);
  const run = (): number => {
    let total = 0;
    for (let i = 0; i < BODIES; i++) {
      const kept = copy(body);
      total += kept[0]! * 3 + kept[BODY_BYTES - 1]!;
    }
    return total;
  };
  return close === undefined ? { run, answer: run } : { run, answer: run, close };
}

function bodiesInArena(isLent: boolean): Variant {
  return {
    kind: 'ours',
    async setup(context) {
      const arena = await arenaOf(isLent);
      const copy = (body: Uint8Array): { readonly [index: number]: number } => {
        const handle = arena.allocate(BODY_BYTES);
        arena.write(handle, body);
        const at = arena.offsetOf(handle);
        const ends = { 0: arena.u8[at]!, [BODY_BYTES - 1]: arena.u8[at + BODY_BYTES - 1]! };
        arena.reset();
        return ends;
      };
      return bodies(context, copy, () => {
        arena.release();
      });
    },
  };
}

/** What @thi.ng/malloc gives: addresses in a buffer of ours. */
async function mallocOf() {
  const { MemPool } = await import('@thi.ng/malloc');
  // Its views are protected: over a buffer of ours the same addresses index our own.
  const buf = new ArrayBuffer(LENT_BYTES);
  return { u8: new Uint8Array(buf), pool: new MemPool({ buf }) };
}

const cases: readonly Case[] = [
  {
    id: 'M3',
    case: 'request 1024 + 2048 + 512, 1000 requests',
    package: 'memory',
    tier: 'guide',
    params: { requests: REQUESTS, bytesWritten: REQUESTS * (1024 + 2048 + 512), written: 'by fill' },
    guide: null,
    async: false,
    variants: {
      naive: {
        kind: 'naive',
        setup: () =>
          operation((tag) =>
            look(
              new Uint8Array(1024).fill(tag),
              new Uint8Array(2048).fill(tag),
              new Uint8Array(512).fill(tag),
            ),
          ),
      },
      'naive:Buffer.allocUnsafe': {
        kind: 'naive',
        setup: () =>
          operation((tag) =>
            look(
              Buffer.allocUnsafe(1024).fill(tag),
              Buffer.allocUnsafe(2048).fill(tag),
              Buffer.allocUnsafe(512).fill(tag),
            ),
          ),
      },
      ours: arenaFills(false),
      'ours:lent ArrayBuffer': arenaFills(true),
      '@thi.ng/malloc': {
        kind: 'peer',
        async setup() {
          const { pool, u8 } = await mallocOf();
          return operation((tag) => {
            const first = pool.malloc(1024);
            u8.fill(tag, first, first + 1024);
            const second = pool.malloc(2048);
            u8.fill(tag, second, second + 2048);
            const third = pool.malloc(512);
            u8.fill(tag, third, third + 512);
            const result = u8[first + 1023]! + u8[second + 2047]! + u8[third + 511]!;
            pool.freeAll();
            return result;
          });
        },
      },
      'floor:fill alone': {
        kind: 'floor',
        setup() {
          const u8 = new Uint8Array(4096);
          return operation((tag) => {
            u8.fill(tag, 0, 1024);
            u8.fill(tag, 1024, 3072);
            u8.fill(tag, 3072, 3584);
            return u8[1023]! + u8[3071]! + u8[3583]!;
          });
        },
      },
    },
  },
  {
    id: 'M3',
    case: 'request 1024 + 2048 + 512, copied in',
    package: 'memory',
    tier: 'plain',
    params: { requests: REQUESTS, bytesWritten: REQUESTS * (1024 + 2048 + 512), written: 'by set' },
    guide: null,
    limit:
      'copying 3.5 KB takes 120 ns itself, and V8 copies into shared memory word by word: bytes that come from outside and stay on their thread belong in a lent ArrayBuffer',
    async: false,
    variants: {
      naive: {
        kind: 'naive',
        setup(context) {
          const [a, b, c] = inputsOf(context);
          return operation(() => {
            const first = new Uint8Array(1024);
            first.set(a);
            const second = new Uint8Array(2048);
            second.set(b);
            const third = new Uint8Array(512);
            third.set(c);
            return look(first, second, third);
          });
        },
      },
      ours: arenaCopies(false),
      'ours:lent ArrayBuffer': arenaCopies(true),
      'ours:views in the shared heap': {
        kind: 'ours',
        async setup(context) {
          const [a, b, c] = inputsOf(context);
          const arena = await arenaOf(false);
          return operation(
            () => {
              const first = arena.allocateView('u8', 1024);
              first.set(a);
              const second = arena.allocateView('u8', 2048);
              second.set(b);
              const third = arena.allocateView('u8', 512);
              third.set(c);
              const result = look(first, second, third);
              arena.reset();
              return result;
            },
            () => {
              arena.release();
            },
          );
        },
      },
      '@thi.ng/malloc': {
        kind: 'peer',
        async setup(context) {
          const [a, b, c] = inputsOf(context);
          const { pool, u8 } = await mallocOf();
          return operation(() => {
            const first = pool.malloc(1024);
            u8.set(a, first);
            const second = pool.malloc(2048);
            u8.set(b, second);
            const third = pool.malloc(512);
            u8.set(c, third);
            const result = u8[first + 1023]! + u8[second + 2047]! + u8[third + 511]!;
            pool.freeAll();
            return result;
          });
        },
      },
      'floor:copy alone': {
        kind: 'floor',
        setup(context) {
          const [a, b, c] = inputsOf(context);
          const u8 = new Uint8Array(4096);
          return operation(() => {
            u8.set(a, 0);
            u8.set(b, 1024);
            u8.set(c, 3072);
            return u8[1023]! + u8[3071]! + u8[3583]!;
          });
        },
      },
    },
  },
  {
    id: 'M3',
    case: '100 bodies of 32 KiB, copied in',
    package: 'memory',
    tier: 'all',
    params: { bodies: BODIES, bodyBytes: BODY_BYTES, written: 'by write' },
    guide: null,
    async: false,
    variants: {
      naive: { kind: 'naive', setup: (context) => bodies(context, (body) => new Uint8Array(body)) },
      ours: bodiesInArena(false),
      'ours:lent ArrayBuffer': bodiesInArena(true),
      '@thi.ng/malloc': {
        kind: 'peer',
        async setup(context) {
          const { pool, u8 } = await mallocOf();
          return bodies(context, (body) => {
            const address = pool.malloc(BODY_BYTES);
            u8.set(body, address);
            const copy = { 0: u8[address]!, [BODY_BYTES - 1]: u8[address + BODY_BYTES - 1]! };
            pool.freeAll();
            return copy;
          });
        },
      },
    },
  },
];

export default cases;
