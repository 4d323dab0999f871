import { createWriter, type Writer } from '@hotpath/io';
import type { AccessLog } from '../parts.ts';

/** Lines wait so long for company, then go to the file in one write; a crash loses those of this time. */
const LINGER_MS = 1000;

export interface OptimisedAccessLog extends AccessLog {
  readonly writer: Writer;
}

/** Nobody waits for a line. When the disk cannot keep up, lines are dropped and counted: a log must not stop a service. */
export function optimisedAccessLog(path: string): OptimisedAccessLog {
  const writer = createWriter(path, { lingerMs: LINGER_MS, overflow: 'drop' });
  return {
    awaited: false,
    writer,
    write(line) {
      writer.write(line);
    },
  };
}
