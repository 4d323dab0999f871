/**
 * The guide's expensive function: 1000 dependent steps of integer arithmetic, about 5 µs. `Math.imul` is the
 * multiplication that wraps at 32 bits.
 */
export function crunch(x: number): number {
  let acc = x;
  for (let round = 0; round < 1000; round++) acc = Math.imul(acc, 17) % 997;
  return acc;
}

/** A function of a cycle, for which no message to a thread pays. */
export function cheap(x: number): number {
  return (x * 2 + 1) | 0;
}

/** An object of a few fields, which costs much more to clone than to look at. */
export interface Reading {
  readonly id: number;
  readonly name: string;
  readonly value: number;
}

/** {@link cheap} of an object's field. */
export function cheapReading({ value }: Reading): number {
  return cheap(value);
}

/** The items: 0, 1, 2 … */
export function crunchInput(length: number, buffer?: SharedArrayBuffer): Int32Array {
  const input = buffer === undefined ? new Int32Array(length) : new Int32Array(buffer);
  for (let i = 0; i < length; i++) input[i] = i;
  return input;
}

/** Skewed work: the last eighth of 10,000 items costs twenty times the others. */
export function skewed(x: number): number {
  let acc = x;
  const rounds = x >= 8750 ? 4000 : 200;
  for (let round = 0; round < rounds; round++) acc = Math.imul(acc, 17) % 997;
  return acc;
}
