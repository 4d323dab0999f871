import { MemoryError } from '../errors.ts';

/** A handle or a mark of an arena outlived what it stands for: the arena was reset or rewound, or it is another arena's. */
export class StaleHandleError extends MemoryError {
  override readonly name: string = 'StaleHandleError';
  override readonly code: string = 'ERR_HOTPATH_MEMORY_STALE_HANDLE';
}
