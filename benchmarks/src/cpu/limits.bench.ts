/**
 * C1: how near kernels come to what the machine gives. The floors are C: in registers of 128 bits, the widest that WebAssembly has,
 * and in those of this machine. All is measured inside, one thread, the same vectors one behind the other, every page written before.
 */

import type * as Kernels_ from '@hotpath/cpu/kernels';
import type * as Memory_ from '@hotpath/memory';

import type { Case, Findings, Tier, Variant } from '../harness/case.ts';
import { seededFloats } from '../workloads/floats.ts';
import { kernelCase } from './kernel-case.ts';
import { compilerMissing } from '../services/c-compiler.ts';
import { type CLoop, compileLoop, type Rounds, streamsMissing, type Width } from './peers/c-loops.ts';

type Kernels = typeof Kernels_;
type Memory = typeof Memory_;

interface Limit extends Rounds {
  readonly name: string;
  readonly tier?: Tier;
  readonly loop: CLoop;
  readonly length: number;
  /** `median` beyond the caches, where the pages at hand are part of the matter; else the least, which nothing else disturbed. */
  readonly of: 'least' | 'median';
  /** Whether the memory's pages matter. */
  readonly isHugeToo?: boolean;
  /** Makes the vectors and returns the call. */
  readonly ours: (kernels: Kernels, memory: Memory, length: number) => () => unknown;
}

function limitCase({
  name,
  tier = 'plain',
  loop,
  length,
  rounds,
  calls,
  of,
  isHugeToo = false,
  ours,
}: Limit): Case {
  const finding = (value: number): Findings => ({
    measurements: [{ metric: 'time', unit: `ns a call (${of} of ${rounds})`, value, better: 'less' }],
  });
  const floor = (width: Width, isHuge: boolean, floorLoop: CLoop = loop): Variant => ({
    kind: 'floor',
    skip: floorLoop === 'stream' ? streamsMissing : compilerMissing,
    setup({ scratch }) {
      const measure = compileLoop(scratch, floorLoop, width, isHuge);
      let value = 0;
      return {
        run: () => (value = measure(length, { rounds, calls })[of]),
        answer: () => 0,
        findings: () => finding(value),
      };
    },
  });
  return {
    ...kernelCase(name, length, 0, {}),
    tier,
    params: { length, rounds, calls },
    experiment: true,
    variants: {
      ours: {
        kind: 'ours',
        async setup() {
          const call = ours(await import('@hotpath/cpu/kernels'), await import('@hotpath/memory'), length);
          let value = 0;
          return {
            run() {
              const times = Array.from({ length: rounds }, () => {
                const started = performance.now();
                for (let i = 0; i < calls; i++) call();
                return ((performance.now() - started) * 1e6) / calls;
              }).toSorted((x, y) => x - y);
              value = times[of === 'least' ? 0 : rounds >> 1]!;
              return value;
            },
            answer: () => 0,
            findings: () => finding(value),
          };
        },
      },
      'floor:c': floor('native', false),
      ...(isHugeToo ? beyondCaches(floor) : {}),
      ...(loop === 'add' || loop === 'bytes' ? {} : { 'floor:c, 128 bits': floor('128 bits', false) }),
    },
  };
}

/** What a C program may have and WebAssembly not, one by one: large pages, wider registers, stores past the caches. */
function beyondCaches(
  floor: (width: Width, isHuge: boolean, loop?: CLoop) => Variant,
): Readonly<Record<string, Variant>> {
  return {
    'floor:c, 128 bits': floor('128 bits', false),
    'floor:c, streaming stores': floor('native', false, 'stream'),
    'floor:c, huge pages': floor('native', true),
    'floor:c, huge pages, 128 bits': floor('128 bits', true),
    'floor:c, huge pages, streaming stores': floor('native', true, 'stream'),
  };
}

const cases: readonly Case[] = [
  limitCase({
    name: 'add 1e7 limit',
    tier: 'peers',
    loop: 'add',
    length: 10_000_000,
    rounds: 15,
    calls: 1,
    of: 'median',
    isHugeToo: true,
    ours({ add }, { allocate }, length) {
      const [a, b, out] = [1, 1, 0].map((value) => allocate('f32', length).fill(value));
      return () => add(a!, b!, out!);
    },
  }),
  limitCase({
    name: 'dot 1024 limit',
    loop: 'dot',
    length: 1024,
    rounds: 500,
    calls: 1000,
    of: 'least',
    ours({ dot }, { adopt }, length) {
      const [a, b] = [adopt<'f32'>(seededFloats(length, 1)), adopt<'f32'>(seededFloats(length, 2))];
      return () => dot(a, b);
    },
  }),
  limitCase({
    name: 'axpy 1e5 limit',
    loop: 'axpy',
    length: 100_000,
    rounds: 500,
    calls: 10,
    of: 'least',
    ours({ axpy }, { adopt }, length) {
      const [x, y] = [adopt<'f32'>(seededFloats(length, 1)), adopt<'f32'>(seededFloats(length, 2))];
      let alpha = 0.75;
      return () => axpy((alpha = -alpha), x, y);
    },
  }),
  limitCase({
    name: 'histogram 1e5 limit',
    loop: 'bytes',
    length: 100_000,
    rounds: 500,
    calls: 10,
    of: 'least',
    ours({ byteHistogram }, { adopt, allocate }, length) {
      const bytes = adopt<'u8'>(Uint8Array.from(seededFloats(length, 1), (value) => value * 256));
      const bins = allocate('i32', 256);
      return () => byteHistogram(bytes, bins);
    },
  }),
];

export default cases;
