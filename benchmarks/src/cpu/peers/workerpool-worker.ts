import workerpool from 'workerpool';

import { crunchChunk } from './crunch-chunk.ts';

workerpool.worker({ crunchChunk });
