/** Compares the answers of variants, before anything is timed. */

/**
 * Where and how two answers differ, or `undefined` when they agree.
 *
 * Numbers agree within the relative `tolerance` (0: exactly; NaN equals NaN), typed arrays with arrays of the same
 * kind, everything else by structure. O(size).
 */
export function differenceOf(
  expected: unknown,
  actual: unknown,
  tolerance = 0,
  path = 'answer',
): string | undefined {
  if (Object.is(expected, actual)) return undefined;
  if (typeof expected === 'number' && typeof actual === 'number') {
    if (expected === actual) return undefined;
    const difference = Math.abs(expected - actual);
    if (difference <= tolerance * Math.max(Math.abs(expected), Math.abs(actual))) return undefined;
    return `${path}: expected ${expected}, got ${actual}`;
  }
  if (typeof expected !== 'object' || typeof actual !== 'object' || expected === null || actual === null) {
    return `${path}: expected ${show(expected)}, got ${show(actual)}`;
  }
  const kind = Object.prototype.toString.call(expected);
  if (kind !== Object.prototype.toString.call(actual)) {
    return `${path}: expected ${kind}, got ${Object.prototype.toString.call(actual)}`;
  }
  return differenceOfObjects(expected, actual, tolerance, path);
}

function differenceOfObjects(
  expected: object,
  actual: object,
  tolerance: number,
  path: string,
): string | undefined {
  if (expected instanceof Date && actual instanceof Date) {
    const same = expected.getTime() === actual.getTime();
    return same ? undefined : `${path}: expected ${expected.toISOString()}, got ${actual.toISOString()}`;
  }
  if (
    (expected instanceof Map && actual instanceof Map) ||
    (expected instanceof Set && actual instanceof Set)
  ) {
    return differenceOf([...expected], [...actual], tolerance, path);
  }
  // Of others (an ArrayBuffer, an Error) no property tells what is in them.
  if (!isTransparent(expected)) {
    return `${path}: ${Object.prototype.toString.call(expected)} cannot be compared`;
  }
  const left = expected as Readonly<Record<string, unknown>>;
  const right = actual as Readonly<Record<string, unknown>>;
  const keys = Object.keys(left);
  const count = Object.keys(right).length;
  if (keys.length !== count) return `${path}: expected ${keys.length} entries, got ${count}`;
  for (const key of keys) {
    if (!Object.hasOwn(right, key)) return `${path}.${key}: expected ${show(left[key])}, got nothing`;
    const difference = differenceOf(left[key], right[key], tolerance, `${path}.${key}`);
    if (difference !== undefined) return difference;
  }
  return undefined;
}

function isTransparent(value: object): boolean {
  if (ArrayBuffer.isView(value)) return !(value instanceof DataView);
  const prototype: unknown = Object.getPrototypeOf(value);
  return Array.isArray(value) || prototype === Object.prototype || prototype === null;
}

function show(value: unknown): string {
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
