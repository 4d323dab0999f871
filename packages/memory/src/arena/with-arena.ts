import { describe } from '../check.ts';
import { ArgumentTypeError } from '../errors.ts';
import { Arena } from './arena.ts';
import type { ArenaOptions } from './arena-options.ts';

/**
 * Runs `use` with an arena of its own and releases it afterwards: when `use` returns or throws, or, if it returns a
 * promise, when that settles. One arena a request, and nothing of it is left.
 *
 * What `use` returns must not point into the arena: handles are refused afterwards, views are not.
 *
 * @throws ArgumentTypeError when `use` is not a function.
 * @throws ArgumentRangeError when an option is invalid.
 * @example
 * const total = await withArena(async (arena) => {
 *   const header = arena.allocate(1024);
 *   return respond(arena, header);
 * });
 */
export function withArena<T, B extends ArrayBufferLike = SharedArrayBuffer>(
  use: (arena: Arena<B>) => T,
  options?: ArenaOptions<B>,
): T {
  if (typeof use !== 'function')
    throw new ArgumentTypeError(`use: expected a function, got ${describe(use)}`);
  const arena = new Arena(options);
  let isPending = false;
  try {
    const result = use(arena);
    if (!isThenable(result)) return result;
    isPending = true;
    return releaseAfter(arena, result) as T;
  } finally {
    if (!isPending) arena[Symbol.dispose]();
  }
}

async function releaseAfter<T>(arena: Arena<ArrayBufferLike>, promise: PromiseLike<T>): Promise<T> {
  try {
    return await promise;
  } finally {
    arena[Symbol.dispose]();
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { readonly then?: unknown } | null | undefined)?.then === 'function';
}
