import { turn } from '../promises.ts';

/** A handler that records its batches and settles when it is told. */
export function heldHandler(): {
  handler: (items: readonly number[]) => Promise<number[]>;
  batches: number[][];
  release: () => Promise<void>;
} {
  const batches: number[][] = [];
  const held: (() => void)[] = [];
  return {
    batches,
    handler: (items) => {
      batches.push([...items]);
      return new Promise((resolve) => held.push(() => resolve(items.map((item) => item * 2))));
    },
    release: async () => {
      for (const call of held.splice(0)) call();
      await turn();
    },
  };
}
