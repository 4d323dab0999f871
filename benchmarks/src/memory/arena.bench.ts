/**
 * M3: a thousand requests, each of which needs 1024, 2048 and 512 bytes, copies what it got into them, every byte, and
 * drops them at its end.
 */

import type { Case, CaseContext, Operation } from '../harness/case.ts';

const REQUESTS = 1000;

/** What a request brings, one array a buffer that it needs. */
function inputsOf({ seed }: CaseContext): readonly [Uint8Array, Uint8Array, Uint8Array] {
  const of = (sizeBytes: number): Uint8Array =>
    Uint8Array.from({ length: sizeBytes }, (_, i) => (seed + i * 31) & 0xff);
  return [of(1024), of(2048), of(512)];
}

function operation(request: () => number, close?: () => void): Operation {
  const run = (): number => {
    let total = 0;
    for (let i = 0; i < REQUESTS; i++) total += request();
    return total;
  };
  return close === undefined ? { run, answer: run } : { run, answer: run, close };
}

/** Over ordinary memory the arena is lent this much. */
const LENT_BYTES = 65_536;

/** Where arena handles point: an arena's memory, and the sum of what the request looks at. */
async function arenaOperation(context: CaseContext, isLent: boolean): Promise<Operation> {
  const { Arena } = await import('@hotpath/memory');
  const [a, b, c] = inputsOf(context);
  const arena = isLent ? new Arena({ memory: { buffer: new ArrayBuffer(LENT_BYTES) } }) : new Arena();
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
}

const cases: readonly Case[] = [
  {
    id: 'M3',
    case: 'request 1024 + 2048 + 512, 1000 requests',
    package: 'memory',
    tier: 'guide',
    // `ours` is what an arena does by default. V8 copies into shared memory word by word, with the guarantees that other
    // threads' sight needs, and into ordinary memory by memcpy: bytes that stay on their thread belong in a lent ArrayBuffer.
    limit:
      'an arena on the shared heap is bounded by how V8 copies into shared memory, 3 times slower than memcpy',
    params: { requests: REQUESTS, bytesWritten: REQUESTS * (1024 + 2048 + 512) },
    guide: null,
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
            return first[1023]! + second[2047]! + third[511]!;
          });
        },
      },
      ours: { kind: 'ours', setup: (context) => arenaOperation(context, false) },
      'ours:lent ArrayBuffer': { kind: 'ours', setup: (context) => arenaOperation(context, true) },
      'ours:views in the shared heap': {
        kind: 'ours',
        async setup(context) {
          const { Arena } = await import('@hotpath/memory');
          const [a, b, c] = inputsOf(context);
          const arena = new Arena();
          return operation(
            () => {
              const first = arena.allocateView('u8', 1024);
              first.set(a);
              const second = arena.allocateView('u8', 2048);
              second.set(b);
              const third = arena.allocateView('u8', 512);
              third.set(c);
              const result = first[1023]! + second[2047]! + third[511]!;
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
          const { MemPool } = await import('@thi.ng/malloc');
          const [a, b, c] = inputsOf(context);
          // Its views are protected: over a buffer of ours the same addresses index our own.
          const buf = new ArrayBuffer(LENT_BYTES);
          const u8 = new Uint8Array(buf);
          const pool = new MemPool({ buf });
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
];

export default cases;
