/** The serial loop, and ours, over an integer array: what the cases of C2 that map one have in common. */

import type { Operation, Variant } from '../harness/case.ts';
import { cheap, crunch, crunchInput, skewed } from '../workloads/crunch.ts';

/** An export of workloads/crunch.ts. */
type Name = 'cheap' | 'crunch' | 'skewed';

const FUNCTIONS: Readonly<Record<Name, (value: number) => number>> = { cheap, crunch, skewed };

export interface CrunchMap {
  readonly length: number;
  readonly name: Name;
  /** What is compared of the results. */
  readonly answerOf: (output: Int32Array) => readonly unknown[];
}

function answering(run: () => Promise<number>, answerOf: () => readonly unknown[]): Operation {
  return {
    run,
    async answer() {
      await run();
      return answerOf();
    },
  };
}

export function serialMap({ length, name, answerOf }: CrunchMap): Variant {
  return {
    kind: 'naive',
    setup() {
      const input = crunchInput(length);
      const output = new Int32Array(length);
      const fn = FUNCTIONS[name];
      const run = async (): Promise<number> => {
        for (let i = 0; i < length; i++) output[i] = fn(input[i]!);
        return output[length - 1]!;
      };
      return answering(run, () => answerOf(output));
    },
  };
}

function loopOver(input: Int32Array, output: Int32Array, fn: (value: number) => number): void {
  for (let i = 0; i < output.length; i++) output[i] = fn(input[i]!);
}

/**
 * The serial loop as a function that is given its arrays, which is what a library can offer. That of {@link serialMap} closes over one
 * pair of arrays for ever: V8 compiles their addresses and lengths into it.
 */
export function serialFunction({ length, name, answerOf }: CrunchMap): Variant {
  return {
    kind: 'naive',
    setup() {
      const [input, output] = [crunchInput(length), new Int32Array(length)];
      // Two pairs, so that neither becomes a constant.
      const others = [crunchInput(1), new Int32Array(1)] as const;
      const run = async (): Promise<number> => {
        loopOver(...others, FUNCTIONS[name]);
        loopOver(input, output, FUNCTIONS[name]);
        return output[length - 1]!;
      };
      return answering(run, () => answerOf(output));
    },
  };
}

/** @param start is given the call, before anything is timed. */
export function parallelMap(
  { length, name, answerOf }: CrunchMap,
  start?: (call: () => Promise<unknown>) => Promise<void>,
): Variant {
  return {
    kind: 'ours',
    async setup() {
      const { createParallel, moduleTask } = await import('@hotpath/cpu/parallel');
      const { adopt, allocate } = await import('@hotpath/memory');
      const input = adopt<'i32'>(crunchInput(length));
      const output = allocate('i32', length);
      const parallel = createParallel();
      const task = await moduleTask<number, number>({
        module: new URL('../workloads/crunch.js', import.meta.url),
        export: name,
      });
      const run = async (): Promise<number> => {
        await parallel.mapInto(input, output, task);
        return output[length - 1]!;
      };
      await start?.(run);
      return {
        run,
        async answer() {
          output.fill(-1);
          await run();
          return answerOf(output);
        },
        close: () => parallel.close(),
      };
    },
  };
}
