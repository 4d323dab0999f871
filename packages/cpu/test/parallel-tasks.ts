// The same functions as in tasks/numbers.mjs, for what the tests expect of them.

export function crunch(x: number): number {
  let acc = x;
  for (let i = 0; i < 1000; i++) acc = Math.imul(acc, 17) % 997;
  return acc;
}

export const addIndex = (x: number, index: number): number => x + index;
export const negate = (x: number): number => -x;
export const bigCrunch = (x: bigint): bigint => x * 3n;
