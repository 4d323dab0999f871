function isPlain(value: object): boolean {
  if (Array.isArray(value)) return true;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/**
 * Freezes arrays and plain objects, at any depth, in place; instances of classes, buffers and functions are left alone.
 * A branch that is frozen already is taken to be frozen to its leaves, which also ends cycles.
 */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value) || !isPlain(value)) return value;
  // A list of what is left instead of recursion: a deep tree must not overflow the stack.
  const pending: object[] = [Object.freeze(value)];
  for (let object = pending.pop(); object !== undefined; object = pending.pop()) {
    for (const key in object) {
      const child: unknown = (object as Record<string, unknown>)[key];
      if (typeof child === 'object' && child !== null && !Object.isFrozen(child) && isPlain(child)) {
        pending.push(Object.freeze(child));
      }
    }
  }
  return value;
}
