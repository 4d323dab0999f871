/**
 * Durable appends: each of a thousand records is on the disk when its promise resolves. One fdatasync for all who wait
 * against one each, at once and one after another.
 */

import fs from 'node:fs';
import type { Case, CaseContext, Operation, Variant } from '../harness/case.ts';

const RECORDS = 1000;
const PAYLOAD = 'x'.repeat(100);

/** Appends all records durably; resolves with their number. */
type AppendAll = () => Promise<number>;

interface Appender {
  readonly appendAll: AppendAll;
  close(): Promise<void>;
}

function appending(open: (path: string) => Promise<Appender>): Variant['setup'] {
  return async (context: CaseContext): Promise<Operation> => {
    const path = `${context.scratch}/records.log`;
    const opened = await open(path);
    return {
      run: opened.appendAll,
      /** How many are in the file. */
      async answer() {
        await opened.appendAll();
        return fs.readFileSync(path, 'latin1').split(PAYLOAD).length - 1;
      },
      close: () => opened.close(),
    };
  };
}

async function withHandle(
  path: string,
  appendAll: (handle: fs.promises.FileHandle) => Promise<number>,
): Promise<Appender> {
  const handle = await fs.promises.open(path, 'a');
  return { appendAll: () => appendAll(handle), close: () => handle.close() };
}

async function appendDurably(handle: fs.promises.FileHandle): Promise<number> {
  await handle.write(PAYLOAD);
  await handle.datasync();
  return 1;
}

const cases: readonly Case[] = [
  {
    id: 'I4',
    case: '1000 durable appends',
    package: 'io',
    tier: 'peers',
    params: { records: RECORDS, payloadBytes: PAYLOAD.length, fsync: true },
    guide: null,
    async: true,
    variants: {
      'naive:one after another': {
        kind: 'naive',
        setup: appending((path) =>
          withHandle(path, async (handle) => {
            let count = 0;
            while (count < RECORDS) count += await appendDurably(handle);
            return count;
          }),
        ),
      },
      'naive:all at once': {
        kind: 'naive',
        setup: appending((path) =>
          withHandle(path, async (handle) => {
            await Promise.all(Array.from({ length: RECORDS }, () => appendDurably(handle)));
            return RECORDS;
          }),
        ),
      },
      ours: {
        kind: 'ours',
        setup: appending(async (path) => {
          const { openLog } = await import('@hotpath/io');
          const log = await openLog(path);
          return {
            async appendAll() {
              await Promise.all(Array.from({ length: RECORDS }, () => log.durable(log.append(PAYLOAD))));
              return RECORDS;
            },
            close: () => log.close(),
          };
        }),
      },
      'floor:one write, one fdatasync': {
        kind: 'floor',
        setup: appending((path) =>
          withHandle(path, async (handle) => {
            await handle.write(PAYLOAD.repeat(RECORDS));
            await handle.datasync();
            return RECORDS;
          }),
        ),
      },
    },
  },
];

export default cases;
