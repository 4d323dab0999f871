/** `@hotpath/memory/vec`: what grows, and what need not exist at all. */

export { type Lazy, lazy, lazyRange } from './lazy.ts';
export { StringBuilder } from './string-builder.ts';
export { StringList, type StringListOptions } from './string-list.ts';
export { type ElementOf, TypedVector, type TypedVectorOptions } from './typed-vector.ts';
export { BufferDetachedError, ResizableBufferError } from '../bytes/errors.ts';
export { CapacityError, DisposedError } from '../errors.ts';
export { ArgumentRangeError, ArgumentTypeError, MemoryError } from '../errors.ts';
