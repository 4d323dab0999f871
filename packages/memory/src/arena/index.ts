/** `@hotpath/memory/arena`: what one request needs, freed all at once. */

export { Arena } from './arena.ts';
export type { ArenaHandle, ArenaMark, ArenaOptions, ArenaStats } from './arena-options.ts';
export { StaleHandleError } from './errors.ts';
export { withArena } from './with-arena.ts';
export type { WholeArrays } from './whole-arrays.ts';
export { BufferDetachedError, ResizableBufferError } from '../bytes/errors.ts';
export { CapacityError, DisposedError } from '../errors.ts';
export { ArgumentRangeError, ArgumentTypeError, MemoryError } from '../errors.ts';
