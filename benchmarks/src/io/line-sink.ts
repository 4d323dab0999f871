import { createHash } from 'node:crypto';
import { closeSync, ftruncateSync, openSync, readFileSync } from 'node:fs';
import type { CaseContext, Operation } from '../harness/case.ts';

/** Something that appends lines to the file it was opened for. */
export interface LineSink {
  /** Writes lines 0 to `count` − 1 in order, waits where the sink asks for it, and resolves when all are with the system. */
  write(count: number, line: (index: number) => string): Promise<void> | void;
  close(): Promise<void> | void;
}

export type OpenLineSink = (path: string) => Promise<LineSink> | LineSink;

/** A file that runs append to is emptied when it would pass this: rarely, at the same times in every variant. */
const FILE_LIMIT_BYTES = 64 << 20;
const LINE_BYTES = 128;

/** One operation writes `count` lines; opening the file and emptying it now and then are outside of what differs. */
export async function measureLines(
  context: CaseContext,
  count: number,
  open: OpenLineSink,
): Promise<Operation> {
  const { logLine } = await import('../workloads/log-lines.ts');
  const line = (index: number): string => logLine(context.seed, index);
  const path = `${context.scratch}/lines.log`;
  const sink = await open(path);
  const descriptor = openSync(path, 'r+');
  const runsBetween = Math.max(1, Math.floor(FILE_LIMIT_BYTES / (count * LINE_BYTES)));
  let runs = 0;
  const run = (): Promise<void> | void => {
    if (runs++ % runsBetween === 0) ftruncateSync(descriptor);
    return sink.write(count, line);
  };
  return {
    run,
    async answer() {
      runs = 0;
      await run();
      return createHash('sha256').update(readFileSync(path)).digest('hex');
    },
    async close() {
      await sink.close();
      closeSync(descriptor);
    },
  };
}
