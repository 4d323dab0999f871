import { checkInteger, describe } from '../check.ts';
import { ArgumentTypeError, CapacityError } from '../errors.ts';
import { checkBytes, MAXIMUM_BYTES } from './store.ts';

/** A limit on what is read from a source whose length is not known. */
export interface CollectOptions {
  /** Reading more than this fails; 0 to 4 GiB. */
  readonly maxBytes: number;
}

/** Runs `use` for each chunk of `source`, none of them empty, up to `maxBytes` in all. */
export async function forEachChunk(
  source: AsyncIterable<Uint8Array>,
  options: CollectOptions,
  use: (chunk: Uint8Array) => void,
): Promise<number> {
  if (typeof source !== 'object' || source === null || typeof source[Symbol.asyncIterator] !== 'function') {
    throw new ArgumentTypeError(`source: expected an async iterable of Uint8Arrays, got ${describe(source)}`);
  }
  const maxBytes: unknown = options?.maxBytes;
  checkInteger('maxBytes', maxBytes, 0, MAXIMUM_BYTES);
  let sizeBytes = 0;
  for await (const chunk of source) {
    checkBytes('chunk', chunk);
    sizeBytes += chunk.length;
    if (sizeBytes > maxBytes) {
      throw new CapacityError(`source: expected at most ${maxBytes} bytes, got ${sizeBytes} and maybe more`);
    }
    if (chunk.length > 0) use(chunk);
  }
  return sizeBytes;
}
