/** A value as an error message may show it: short, and never the content of an array. */
export function describe(value: unknown): string {
  if (typeof value === 'string')
    return value.length > 40 ? `a string of ${value.length} characters` : `'${value}'`;
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'object' && value !== null)
    return attempt(() => `an instance of ${value.constructor?.name ?? 'Object'}`) ?? 'an object';
  if (typeof value === 'function') return 'a function';
  return String(value);
}

/** What a thrown value says. It may be anything: without a text of its own, or with getters that throw. */
export function describeThrown(thrown: unknown): string {
  return (
    attempt(() => (thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown))) ??
    describe(thrown)
  );
}

/** What `read` gives, or `undefined` where it throws: code of the caller's may run in it. */
export function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
