/** An argument has the wrong type. The message names it, what was expected and what came. */
export class ArgumentTypeError extends TypeError {
  override readonly name: string = 'ArgumentTypeError';
  readonly code: string = 'ERR_HOTPATH_CACHE_ARGUMENT_TYPE';
}

/** An argument has the right type and an impossible value. */
export class ArgumentRangeError extends RangeError {
  override readonly name: string = 'ArgumentRangeError';
  readonly code: string = 'ERR_HOTPATH_CACHE_ARGUMENT_RANGE';
}

/** The root of every error of this package that is not about an argument. */
export class CacheError extends Error {
  override readonly name: string = 'CacheError';
  /** Stable: `ERR_HOTPATH_CACHE_<CAUSE>`. */
  readonly code: string = 'ERR_HOTPATH_CACHE';
}

/** The cache was closed. */
export class CacheClosedError extends CacheError {
  override readonly name: string = 'CacheClosedError';
  override readonly code: string = 'ERR_HOTPATH_CACHE_CLOSED';
}

/** Two definitions of one cache have the same name and version. */
export class DuplicateDefinitionError extends CacheError {
  override readonly name: string = 'DuplicateDefinitionError';
  override readonly code: string = 'ERR_HOTPATH_CACHE_DUPLICATE_DEFINITION';
}

/** A loader did not answer within its `loadTimeoutMs`. */
export class LoadTimeoutError extends CacheError {
  override readonly name: string = 'LoadTimeoutError';
  override readonly code: string = 'ERR_HOTPATH_CACHE_LOAD_TIMEOUT';
}

/** `loadMany` did not answer with an array as long as the one that it was given. */
export class LoadManyContractError extends CacheError {
  override readonly name: string = 'LoadManyContractError';
  override readonly code: string = 'ERR_HOTPATH_CACHE_LOAD_MANY_CONTRACT';
}

/** A loader answered `notModified` although it was given no previous value. */
export class NotModifiedError extends CacheError {
  override readonly name: string = 'NotModifiedError';
  override readonly code: string = 'ERR_HOTPATH_CACHE_NOT_MODIFIED';
}

/**
 * A loader went on answering with a row that is older than the version its key is known to have: the replica that it reads
 * lags too far behind. It is given the `minVersion` to ask the primary for.
 */
export class ReplicaLagError extends CacheError {
  override readonly name: string = 'ReplicaLagError';
  override readonly code: string = 'ERR_HOTPATH_CACHE_REPLICA_LAG';
}

/**
 * The load that this read waited for failed, in another process. The `cause` is what is known of the error there: its
 * `name`, its `message`, which may be cut short, and its `code` if it has one.
 */
export class RemoteLoadError extends CacheError {
  override readonly name: string = 'RemoteLoadError';
  override readonly code: string = 'ERR_HOTPATH_CACHE_REMOTE_LOAD';
}

/** `close` could not write everything that `writeBehind` had accepted; the message says how many values. */
export class WriteBehindError extends CacheError {
  override readonly name: string = 'WriteBehindError';
  override readonly code: string = 'ERR_HOTPATH_CACHE_WRITE_BEHIND';
}

/** A codec cannot write the value: a cycle, a BigInt or a function under JSON. The `cause` is the codec's own error. */
export class EncodeError extends CacheError {
  override readonly name: string = 'EncodeError';
  override readonly code: string = 'ERR_HOTPATH_CACHE_ENCODE';
}
