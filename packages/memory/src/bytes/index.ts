/** `@hotpath/memory/bytes`: binary data that is passed on without a copy. */

export { Bytes, type BytesHandOver, type BytesMessage } from './bytes.ts';
export { BytesList, type WritesVectors } from './bytes-list.ts';
export {
  BytesMut,
  type BytesMutOptions,
  type ByobReader,
  type ReadOptions,
  type ReadsInto,
} from './bytes-mut.ts';
export { BytesReader } from './bytes-reader.ts';
export type { CollectOptions } from './chunk-source.ts';
export { payloadBytesCopied } from './copies.ts';
export {
  BufferDetachedError,
  BytesBorrowedError,
  BytesReleasedError,
  EncodingError,
  NotTransferableError,
  ResizableBufferError,
} from './errors.ts';
export type { GrowableBytes } from './growable-bytes.ts';
export type { BytesLease } from './lease-store.ts';
export type { BytesLike, ReadableBytes } from './readable-bytes.ts';
export type { StoreOptions } from './store.ts';
export { CapacityError } from '../errors.ts';
export { ArgumentRangeError, ArgumentTypeError, MemoryError } from '../errors.ts';
