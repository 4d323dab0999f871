import { checkInteger, describe } from '../check.ts';
import { ArgumentTypeError } from '../errors.ts';
import type { BorrowedMemory } from '../heap/borrowed-memory.ts';
import { EPOCH_STRIDE, type Place } from './epochs.ts';

declare const HANDLE: unique symbol;

/**
 * What an allocation of an arena is known by: a number, so that neither an object nor a view is made. Its low 32 bits are
 * the address, the rest says when it was allocated; that is how a stale one is told.
 */
export type ArenaHandle = number & { readonly [HANDLE]: true };

/** Settings of an arena. */
export interface ArenaOptions<B extends ArrayBufferLike = SharedArrayBuffer> {
  /** Size of a chunk, by which the arena grows; 1 KiB to 1 GiB, 64 KiB by default. A larger request gets one of its own. */
  readonly chunkBytes?: number | undefined;
  /** The most that all chunks may take together; 256 MiB by default. */
  readonly maxBytes?: number | undefined;
  /** Memory that the caller lends, instead of the heap's: the arena cannot grow then, and the two sizes mean nothing. */
  readonly memory?: BorrowedMemory<B> | undefined;
}

/** What an arena holds, at one moment. */
export interface ArenaStats {
  /** Bytes of the allocations, with what alignment and the ends of chunks waste. */
  readonly usedBytes: number;
  /** Bytes of all chunks. */
  readonly reservedBytes: number;
  readonly chunkCount: number;
  /** Strings interned since the last reset and not rewound. */
  readonly internedCount: number;
}

/** A point to which an arena can be rewound. */
export interface ArenaMark {
  /** How many marks were set before it. */
  readonly depth: number;
}

/** What a mark holds for the arena that set it. */
export interface Mark extends ArenaMark, Place {
  readonly internedCount: number;
}

/** Options, resolved. */
export interface ResolvedArenaOptions<B extends ArrayBufferLike> {
  readonly chunkBytes: number;
  readonly maxBytes: number;
  readonly memory: BorrowedMemory<B> | undefined;
}

const DEFAULT_CHUNK_BYTES = 65_536;
const MINIMUM_CHUNK_BYTES = 1024;
const DEFAULT_MAX_BYTES = 2 ** 28;
/** Offsets inside a chunk stay below 2^31, where V8 computes with plain integers. */
export const CHUNK_BYTES_MAX: number = 2 ** 30;

/** Checks and completes the options of an arena; what is lent is checked when it is made a chunk. */
export function parseArenaOptions<B extends ArrayBufferLike>(
  options: ArenaOptions<B>,
): ResolvedArenaOptions<B> {
  if (typeof options !== 'object' || options === null) {
    throw new ArgumentTypeError(`options: expected an object, got ${describe(options)}`);
  }
  const { memory, chunkBytes = DEFAULT_CHUNK_BYTES, maxBytes = DEFAULT_MAX_BYTES } = options;
  checkInteger('chunkBytes', chunkBytes, MINIMUM_CHUNK_BYTES, CHUNK_BYTES_MAX);
  checkInteger('maxBytes', maxBytes, MINIMUM_CHUNK_BYTES, EPOCH_STRIDE);
  return { chunkBytes: Math.min(chunkBytes, maxBytes), maxBytes, memory };
}
