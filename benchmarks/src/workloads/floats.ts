/** `length` floats from 0 to 1, the same for the same seed. No signs: where terms cancel, answers cannot be compared. */
export function seededFloats(length: number, seed: number): Float32Array<ArrayBuffer> {
  const values = new Float32Array(length);
  let state = seed | 0;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    values[i] = (state >>> 0) / 2 ** 32;
  }
  return values;
}
