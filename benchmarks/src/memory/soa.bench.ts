/**
 * M5: particles moved by their velocity, as objects and as columns. Fresh objects lie in order, which no running service
 * keeps up; aged ones were replaced over time among other data.
 */

import type { Case, CaseContext, Operation, Variant } from '../harness/case.ts';
import { age, fresh, type Particle, samplePositions, STEP_SECONDS, warm } from '../workloads/particles.ts';

type Fill = typeof fresh;

/** The objects that the guide starts from. */
function objects(count: number, fill: Fill): Variant {
  return {
    kind: 'naive',
    async setup({ seed }) {
      const particles: Particle[] = [];
      const kept = fill(count, seed, (index, particle) => {
        particles[index] = particle;
      });
      const run = (length = count): number => {
        for (let i = 0; i < length; i++) {
          const p = particles[i]!;
          p.x += p.vx * STEP_SECONDS;
          p.y += p.vy * STEP_SECONDS;
          p.z += p.vz * STEP_SECONDS;
        }
        return length;
      };
      await warm(run);
      return {
        run,
        answer() {
          run();
          return samplePositions(count, (index) => [
            particles[index]!.x,
            particles[index]!.y,
            particles[index]!.z,
          ]);
        },
        // The neighbours of an aged heap live as long as the particles.
        close: () => void kept,
      };
    },
  };
}

/** A table of ours, filled as the objects are, and the update that a variant makes on it. */
async function filledTable(count: number, fill: Fill, { seed }: CaseContext) {
  const { defineLayout } = await import('@hotpath/memory');
  const layout = defineLayout({ x: 'f32', y: 'f32', z: 'f32', vx: 'f32', vy: 'f32', vz: 'f32' });
  const table = layout.create({ capacity: count });
  table.resize(count);
  const kept = fill(count, seed, (index, particle) => table.set(index, particle));
  const operation = async (run: (length?: number) => number): Promise<Operation> => {
    await warm(run);
    return {
      run,
      answer() {
        run();
        return samplePositions(count, (index) => {
          const { x, y, z } = table.get(index);
          return [x, y, z];
        });
      },
      close() {
        table.dispose();
        void kept;
      },
    };
  };
  return { table, operation };
}

function columns(count: number, fill: Fill): Variant {
  return {
    kind: 'ours',
    async setup(context) {
      const { table, operation } = await filledTable(count, fill, context);
      // The table does not grow, so its columns can be taken once, as those of bitecs are.
      const { x, y, z, vx, vy, vz } = table.columns;
      return operation((length = count) => {
        for (let i = 0; i < length; i++) {
          x[i] = x[i]! + vx[i]! * STEP_SECONDS;
          y[i] = y[i]! + vy[i]! * STEP_SECONDS;
          z[i] = z[i]! + vz[i]! * STEP_SECONDS;
        }
        return length;
      });
    },
  };
}

function cursor(count: number, fill: Fill): Variant {
  return {
    kind: 'ours',
    async setup(context) {
      const { table, operation } = await filledTable(count, fill, context);
      const p = table.cursor();
      return operation((length = count) => {
        for (let i = 0; i < length; i++) {
          p.index = i;
          p.x += p.vx * STEP_SECONDS;
          p.y += p.vy * STEP_SECONDS;
          p.z += p.vz * STEP_SECONDS;
        }
        return length;
      });
    },
  };
}

function kernels(count: number, fill: Fill): Variant {
  return {
    kind: 'ours',
    async setup(context) {
      const { axpy } = await import('@hotpath/cpu');
      const { table, operation } = await filledTable(count, fill, context);
      // The kernels take whole columns, and the calls that warm the others up would move every particle: here they do
      // nothing.
      const { x, y, z, vx, vy, vz } = table.columns;
      return operation((length = count) => {
        if (length !== count) return 0;
        axpy(STEP_SECONDS, vx, x);
        axpy(STEP_SECONDS, vy, y);
        axpy(STEP_SECONDS, vz, z);
        return length;
      });
    },
  };
}

function bitecs(count: number, fill: Fill): Variant {
  return {
    kind: 'peer',
    async setup({ seed }) {
      const { bitecsParticles } = await import('./peers/bitecs.ts');
      return bitecsParticles(count, (put) => fill(count, seed, put));
    },
  };
}

/** Positions are f32 in all variants but the objects, whose numbers are f64. */
const TOLERANCE = 1e-6;

function variants(count: number, fill: Fill): Case['variants'] {
  return {
    naive: objects(count, fill),
    ours: columns(count, fill),
    'ours:cursor': cursor(count, fill),
    'ours:axpy': kernels(count, fill),
    bitecs: bitecs(count, fill),
  };
}

const cases: readonly Case[] = [
  {
    id: 'M5',
    case: '10,000 fresh',
    package: 'memory',
    tier: 'guide',
    params: { particles: 10_000, heap: 'fresh' },
    guide: { text: '150 µs → 80 µs (1.9×)', ratio: 1.9, basis: 'ratio' },
    async: false,
    tolerance: TOLERANCE,
    limit:
      'V8 lays objects that are allocated in order side by side, as Rust lays structs in a vector, and a loop over them is bound by arithmetic that V8 does not vectorise; columns gain when objects age, by SIMD (ours:axpy), in memory and in collections',
    variants: variants(10_000, fresh),
  },
  {
    id: 'M5',
    case: '10,000 aged',
    package: 'memory',
    tier: 'guide',
    params: { particles: 10_000, heap: 'aged' },
    guide: null,
    async: false,
    tolerance: TOLERANCE,
    variants: variants(10_000, age),
  },
  {
    id: 'M5',
    case: '1,000,000',
    package: 'memory',
    tier: 'peers',
    params: { particles: 1_000_000, heap: 'fresh' },
    guide: null,
    async: false,
    tolerance: TOLERANCE,
    variants: variants(1_000_000, fresh),
  },
  {
    id: 'M5',
    case: '1,000,000 aged',
    package: 'memory',
    tier: 'all',
    params: { particles: 1_000_000, heap: 'aged' },
    guide: null,
    async: false,
    tolerance: TOLERANCE,
    variants: variants(1_000_000, age),
  },
];

export default cases;
