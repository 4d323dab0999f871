/** `@hotpath/io/concurrency`: limits, channels and pipelines. */

export { createChannel, type Channel } from './channel.ts';
export { forEach, map, type MapContext, type MapOptions, type Mapper } from './map.ts';
export { mapIter } from './map-iter.ts';
export { pipeline, type Pipeline, type PipelineOptions } from './pipeline.ts';
export type { Sink } from './sinks.ts';
export { Semaphore, type AcquireOptions, type Permit } from './semaphore.ts';
export type { Source } from './source.ts';
export {
  ClosedError,
  IoError,
  ArgumentRangeError,
  ArgumentTypeError,
  ReleasedError,
  type IoErrorCode,
} from '../errors.ts';
export type { WaitOptions } from '../abort.ts';
