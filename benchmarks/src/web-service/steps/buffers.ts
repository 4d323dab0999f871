import { createPool } from '@hotpath/memory';
import { naiveParts } from '../naive/service.ts';
import { optimisedBodies } from '../optimised/bodies.ts';
import { BODY_BYTES_MAX, type Parts, type ServiceConfig } from '../parts.ts';

/** Bodies are read into blocks of a pool, and answers sent as text, instead of through a fresh block each. */
export function buffersStep(config: ServiceConfig): Parts {
  const pool = createPool({ blockSize: BODY_BYTES_MAX, maxBlocks: 100 });
  return { ...naiveParts(config), bodies: optimisedBodies(pool), close: () => pool.close() };
}
