import { MemoryError } from '../errors.ts';

/** A handle was used, or released, after it had been released or had given its memory away (freeze, unsplit, hand-over). */
export class BytesReleasedError extends MemoryError {
  override readonly name: string = 'BytesReleasedError';
  override readonly code: string = 'ERR_HOTPATH_MEMORY_BYTES_RELEASED';
}

/** A `BytesMut` was used while a read into it is under way: await the read first. */
export class BytesBorrowedError extends MemoryError {
  override readonly name: string = 'BytesBorrowedError';
  override readonly code: string = 'ERR_HOTPATH_MEMORY_BYTES_BORROWED';
}

/** The ArrayBuffer underneath was transferred away by someone else. */
export class BufferDetachedError extends MemoryError {
  override readonly name: string = 'BufferDetachedError';
  override readonly code: string = 'ERR_HOTPATH_MEMORY_BUFFER_DETACHED';
}

/** The buffer can be resized, so a structure over it could lose its memory at any time; fixed-length buffers only. */
export class ResizableBufferError extends MemoryError {
  override readonly name: string = 'ResizableBufferError';
  override readonly code: string = 'ERR_HOTPATH_MEMORY_RESIZABLE_BUFFER';
}

/** Memory that cannot be handed to another thread or stream: other handles, a pool or a larger buffer hold it too. */
export class NotTransferableError extends MemoryError {
  override readonly name: string = 'NotTransferableError';
  override readonly code: string = 'ERR_HOTPATH_MEMORY_NOT_TRANSFERABLE';
}

/** Text that is not valid hexadecimal, base64 or UTF-8, or a varint that is cut short or too long. */
export class EncodingError extends MemoryError {
  override readonly name: string = 'EncodingError';
  override readonly code: string = 'ERR_HOTPATH_MEMORY_ENCODING';
}
