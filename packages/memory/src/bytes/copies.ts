import { copyIntoShared } from '../heap/copy-in.ts';
import { isSharedBuffer } from './store.ts';

let copiedBytes = 0;

/**
 * Payload bytes that `Bytes`, `BytesMut` and `BytesList` of this thread have copied from memory to memory since it
 * started. Text that is encoded or decoded is not a copy. Take the difference around a path to see what it copies:
 * cloning, slicing, splitting, freezing and viewing add 0, whatever the length.
 *
 * O(1), allocates nothing.
 *
 * @example
 * const before = payloadBytesCopied();
 * handle(bytes.clone());
 * console.log(payloadBytesCopied() - before); // 0
 */
export function payloadBytesCopied(): number {
  return copiedBytes;
}

/** The one place where this folder copies payload from one buffer to another. */
export function copyPayload(target: Buffer, targetOffset: number, source: Uint8Array): void {
  copiedBytes += source.length;
  if (isSharedBuffer(target.buffer))
    copyIntoShared(target as Buffer<SharedArrayBuffer>, targetOffset, source);
  else target.set(source, targetOffset);
}

/** The one place where this folder moves payload within a buffer. */
export function movePayload(target: Uint8Array, to: number, from: number, end: number): void {
  copiedBytes += end - from;
  target.copyWithin(to, from, end);
}
