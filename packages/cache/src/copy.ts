import { EncodeError } from './errors.ts';

/**
 * A copy that shares nothing with the value, by `structuredClone`: dates, maps, sets and buffers stay what they are, instances of
 * other classes become plain objects. Primitives and functions are returned as they are.
 *
 * @throws {EncodeError} when there is something inside that cannot be cloned, a function for example.
 */
export function copyOf<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  try {
    return structuredClone(value);
  } catch (error) {
    throw new EncodeError('the value cannot be copied', { cause: error });
  }
}
