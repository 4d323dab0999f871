/**
 * M1: a payload on its way through a function that needs two copies of it. The guide clones the array twice; ours clones
 * the handle twice and releases both. And `slice`: a part of a payload that outlives the call, against Buffer's view.
 */

import type { Case, CaseContext, Findings, GuideFigure, Variant } from '../harness/case.ts';

function payloadOf({ seed }: CaseContext, sizeBytes: number): Uint8Array<ArrayBuffer> {
  const payload = new Uint8Array(sizeBytes);
  let state = seed >>> 0;
  for (let i = 0; i < sizeBytes; i += 64) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    payload[i] = state >>> 24;
  }
  return payload;
}

/** What the function on the way looks at: the ends of what it got. */
function peek(length: number, first: number, last: number): number {
  return length + first * 3 + last;
}

/** How many bytes of payload one operation copies: claim 1 of the guide is that the optimised way copies none. */
function copied(value: number): Findings {
  return { measurements: [{ metric: 'bytes', unit: 'B of payload copied', value, better: 'less' }] };
}

function cloneCase(name: string, sizeBytes: number, guide: GuideFigure): Case {
  const naive: Variant = {
    kind: 'naive',
    setup(context) {
      const payload = payloadOf(context, sizeBytes);
      const run = (): number => {
        const first = payload.slice();
        const second = first.slice();
        return peek(second.length, first[0]!, second[sizeBytes - 1]!);
      };
      return { run, answer: run, findings: () => copied(2 * sizeBytes) };
    },
  };
  const ours: Variant = {
    kind: 'ours',
    async setup(context) {
      const { Bytes, payloadBytesCopied } = await import('@hotpath/memory');
      const payload = Bytes.adopt(payloadOf(context, sizeBytes));
      const run = (): number => {
        const first = payload.clone();
        const second = first.clone();
        const result = peek(second.length, first.getUint8(0), second.getUint8(sizeBytes - 1));
        first.release();
        second.release();
        return result;
      };
      const answer = (): number => {
        const before = payloadBytesCopied();
        const result = run();
        const copiedBytes = payloadBytesCopied() - before;
        if (copiedBytes !== 0) throw new Error(`the zero-copy path copied ${copiedBytes} payload bytes`);
        return result;
      };
      const findings = (): Findings => {
        const before = payloadBytesCopied();
        run();
        return copied(payloadBytesCopied() - before);
      };
      return { run, answer, findings };
    },
  };
  const bufferFrom: Variant = {
    kind: 'naive',
    setup(context) {
      const payload = Buffer.from(payloadOf(context, sizeBytes).buffer);
      const run = (): number => {
        const first = Buffer.from(payload);
        const second = Buffer.from(first);
        return peek(second.length, first[0]!, second[sizeBytes - 1]!);
      };
      return { run, answer: run, findings: () => copied(2 * sizeBytes) };
    },
  };
  return {
    id: 'M1',
    case: name,
    package: 'memory',
    tier: 'guide',
    params: { sizeBytes, clones: 2, payloadBytesCopied: 0 },
    claim: 1,
    guide,
    async: false,
    variants: { naive, ours, 'naive:Buffer.from': bufferFrom },
  };
}

/** Parts that are alive at once: they escape, so nothing can be optimised away. */
const LIVE = 1024;
const PARTS = 1000;
const PART_BYTES = 4096;
const BLOCK_BYTES = 1 << 20;

/** Where the n-th part begins. */
function startOf(n: number): number {
  return (n * 61) & (BLOCK_BYTES - PART_BYTES - 1);
}

function sliceCase(): Case {
  /** One operation: a thousand parts, each kept until its place in the ring is needed. */
  function ring<T>(
    slice: (start: number, end: number) => T,
    length: (part: T) => number,
    drop: (part: T) => void,
  ): { run(): number; answer(): number } {
    const live: (T | undefined)[] = Array.from({ length: LIVE });
    let next = 0;
    const run = (): number => {
      let total = 0;
      for (let i = 0; i < PARTS; i++) {
        const slot = next++ & (LIVE - 1);
        const old = live[slot];
        if (old !== undefined) drop(old);
        const start = startOf(i);
        const part = slice(start, start + PART_BYTES);
        live[slot] = part;
        total += length(part);
      }
      return total;
    };
    return { run, answer: run };
  }
  const keep = (): void => {};
  return {
    id: 'M1',
    case: 'slice',
    package: 'memory',
    tier: 'peers',
    params: { parts: PARTS, partBytes: PART_BYTES, live: LIVE },
    guide: null,
    async: false,
    variants: {
      ours: {
        kind: 'ours',
        async setup(context) {
          const { Bytes } = await import('@hotpath/memory');
          const block = Bytes.adopt(payloadOf(context, BLOCK_BYTES));
          return ring(
            (start, end) => block.slice(start, end),
            (part) => part.length,
            (part) => {
              part.release();
            },
          );
        },
      },
      'node:Buffer.subarray': {
        kind: 'peer',
        setup(context) {
          const block = Buffer.from(payloadOf(context, BLOCK_BYTES).buffer);
          return ring(
            (start, end) => block.subarray(start, end),
            (part) => part.length,
            keep,
          );
        },
      },
      'Uint8Array.subarray': {
        kind: 'peer',
        setup(context) {
          const block = payloadOf(context, BLOCK_BYTES);
          return ring(
            (start, end) => block.subarray(start, end),
            (part) => part.length,
            keep,
          );
        },
      },
      'floor:two numbers': {
        kind: 'floor',
        setup: () =>
          ring(
            (start, end) => ({ start, end }),
            (part) => part.end - part.start,
            keep,
          ),
      },
    },
  };
}

const cases: readonly Case[] = [
  cloneCase('1 MB', 1_000_000, { text: '50 µs → 5 ns (10,000×)', ratio: 10_000, basis: 'ratio' }),
  cloneCase('10 MB', 10_000_000, { text: '500 µs → 5 ns (100,000×)', ratio: 100_000, basis: 'ratio' }),
  sliceCase(),
];

export default cases;
