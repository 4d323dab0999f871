import { describe } from '../check.ts';
import { ArgumentTypeError } from '../errors.ts';
import { isBytes, type Store, storeOver } from './store.ts';

/** What a lease of a pool offers to whoever takes it over; `Lease` is one. */
export interface BytesLease<B extends ArrayBufferLike = ArrayBuffer> {
  /** The whole block. */
  readonly bytes: Uint8Array<B>;
  /** Makes this lease unusable and returns the one that goes on: without it, nobody can tell a second release. */
  move?(): BytesLease<B>;
  release(): void;
}

/**
 * @throws ArgumentTypeError when `lease` is none.
 */
export function checkLease(lease: unknown): asserts lease is BytesLease<ArrayBufferLike> {
  const { bytes, release } = (lease ?? {}) as { readonly bytes?: unknown; readonly release?: unknown };
  if (typeof release === 'function' && isBytes(bytes)) return;
  throw new ArgumentTypeError(`lease: expected a lease with bytes and release(), got ${describe(lease)}`);
}

/** A store over a checked lease, which it takes over. */
export function storeOfLease<B extends ArrayBufferLike>(lease: BytesLease<B>): Store<B> {
  // Checked before the move, so that a refusal leaves the lease with the caller.
  const store = storeOver('lease.bytes', lease.bytes, null);
  const held = lease.move?.() ?? lease;
  store.free = () => {
    held.release();
  };
  return store;
}
