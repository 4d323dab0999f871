/**
 * What a structure holds once it is filled: the memory between a full collection before it was made and one after, in V8's
 * heap, in array buffers and in the heap of `@hotpath/memory`. Nothing is timed.
 */

import type { Case, Findings, Operation, Variant, VariantKind } from '../harness/case.ts';
import { fresh, type Particle } from '../workloads/particles.ts';

/** Bytes held now, but for what lies in the heap of `@hotpath/memory`. */
function heldBytes(): number {
  if (globalThis.gc === undefined) throw new Error('memory held is measured with --expose-gc');
  globalThis.gc();
  globalThis.gc();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** Made in `run`: what must stay alive, what lies in our heap, and a check that it is all there. */
interface Kept {
  readonly answer: () => unknown;
  readonly heapBytes?: () => number;
  readonly close?: () => void;
}

/** What is put in: how many items, and what they must take at least. */
interface Content {
  readonly count: number;
  readonly netBytes: number;
  readonly net: string;
}

/** A variant that makes its structure once, and reports what it holds, also as a multiple of `netBytes`. */
function held(
  kind: VariantKind,
  contentOf: (quick: boolean) => Content,
  make: (seed: number, count: number) => Kept | Promise<Kept>,
): Variant {
  return {
    kind,
    async setup({ seed, quick }): Promise<Operation> {
      const { count, netBytes, net } = contentOf(quick);
      let kept: Kept | undefined;
      let bytes = 0;
      // A small one, made and dropped before: what its code and its modules take is not counted.
      (await make(seed, 1000)).close?.();
      const run = async (): Promise<void> => {
        const before = heldBytes();
        kept = await make(seed, count);
        bytes = heldBytes() - before + (kept.heapBytes?.() ?? 0);
      };
      return {
        run,
        async answer() {
          const probe = await make(seed, count);
          const answer = probe.answer();
          probe.close?.();
          return answer;
        },
        findings: (): Findings => ({
          measurements: [
            { metric: 'bytes', unit: 'B held', value: bytes, better: 'less' },
            { metric: 'count', unit: `B held / B of ${net}`, value: bytes / netBytes, better: 'less' },
          ],
        }),
        close: () => kept?.close?.(),
      };
    },
  };
}

const PARTICLES = 1_000_000;
const QUICK_PARTICLES = PARTICLES / 4;
/** Six columns of f32. */
const columnBytes = (particles: number): number => particles * 24;
function rows(quick: boolean): Content {
  const count = quick ? QUICK_PARTICLES : PARTICLES;
  return { count, netBytes: columnBytes(count), net: 'columns' };
}
const NAMES = ['x', 'y', 'z', 'vx', 'vy', 'vz'] as const;

/** Columns of a kind, filled as the objects are. */
function fillColumns(
  columns: Readonly<Record<keyof Particle, Float32Array>>,
  seed: number,
  count: number,
): () => unknown {
  fresh(count, seed, (index, particle) => {
    for (const name of NAMES) columns[name][index] = particle[name];
  });
  return () => NAMES.map((name) => columns[name][count - 1]!);
}

const STRINGS = 100_000;

/** The n-th string, 12 to 16 characters. */
function textOf(n: number): string {
  return `item-${n}-value`;
}

const TEXT_BYTES = Array.from({ length: STRINGS }, (_, n) => textOf(n).length).reduce((a, b) => a + b, 0);

const texts = (): Content => ({ count: STRINGS, netBytes: TEXT_BYTES, net: 'text' });

const cases: readonly Case[] = [
  {
    id: 'M5',
    case: 'memory held, 1,000,000 particles',
    package: 'memory',
    tier: 'guide',
    params: { particles: PARTICLES, columnBytes: columnBytes(PARTICLES) },
    quickParams: { particles: QUICK_PARTICLES, columnBytes: columnBytes(QUICK_PARTICLES) },
    guide: null,
    async: true,
    experiment: true,
    variants: {
      naive: held('naive', rows, (seed, count) => {
        const particles: Particle[] = [];
        fresh(count, seed, (index, particle) => {
          particles[index] = particle;
        });
        return { answer: () => NAMES.map((name) => particles[count - 1]![name]) };
      }),
      ours: held('ours', rows, async (seed, count) => {
        const { defineLayout, heap } = await import('@hotpath/memory');
        const layout = defineLayout({ x: 'f32', y: 'f32', z: 'f32', vx: 'f32', vy: 'f32', vz: 'f32' });
        const beforeBytes = heap().stats().usedBytes;
        const table = layout.create({ capacity: count });
        table.resize(count);
        return {
          answer: fillColumns(table.columns, seed, count),
          heapBytes: () => heap().stats().usedBytes - beforeBytes,
          close: () => {
            table.dispose();
          },
        };
      }),
      bitecs: held('peer', rows, async (seed, count) => {
        const { addComponent, addEntity, createWorld } = await import('bitecs');
        const world = createWorld();
        const column = (): Float32Array => new Float32Array(count + 1);
        const position = { x: column(), y: column(), z: column() };
        const velocity = { x: column(), y: column(), z: column() };
        for (let i = 0; i < count; i++) {
          const entity = addEntity(world);
          addComponent(world, entity, position);
          addComponent(world, entity, velocity);
        }
        const { x, y, z } = position;
        const { x: vx, y: vy, z: vz } = velocity;
        const answer = fillColumns({ x, y, z, vx, vy, vz }, seed, count);
        return { answer: () => (world === undefined ? undefined : answer()) };
      }),
      'floor:Float32Array columns': held('floor', rows, (seed, count) => {
        const column = (): Float32Array => new Float32Array(count);
        const columns = { x: column(), y: column(), z: column(), vx: column(), vy: column(), vz: column() };
        return { answer: fillColumns(columns, seed, count) };
      }),
    },
  },
  {
    id: 'M4',
    case: 'memory held, 100,000 strings',
    package: 'memory',
    tier: 'peers',
    params: { strings: STRINGS, textBytes: TEXT_BYTES },
    guide: null,
    async: true,
    experiment: true,
    variants: {
      naive: held('naive', texts, (_seed, count) => {
        const items: string[] = [];
        for (let n = 0; n < count; n++) items.push(textOf(n));
        return { answer: () => items[count - 1] };
      }),
      ours: held('ours', texts, async (_seed, count) => {
        const { StringList } = await import('@hotpath/memory');
        const items = new StringList({ capacity: count, capacityBytes: TEXT_BYTES });
        for (let n = 0; n < count; n++) items.push(textOf(n));
        return { answer: () => items.get(count - 1) };
      }),
    },
  },
];

export default cases;
