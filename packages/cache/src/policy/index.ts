export { ArcCache } from './arc.ts';
export type { EntryStore } from './entry-store.ts';
export { S3FifoCache, type S3FifoSizes } from './s3-fifo.ts';
