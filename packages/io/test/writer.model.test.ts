import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  BusyError,
  createWriter,
  OpenFailedError,
  OverflowError,
  SyncFailedError,
  WriteFailedError,
  type Writer,
  type WriterOptions,
} from '@hotpath/io';
import { MemoryFileSystem, type WriteOutcome } from './writer/memory-file-system.ts';

/** Text of every UTF-8 width, with halves of pairs that may or may not meet their other half. */
const unit = fc.constantFrom('a', 'é', '漢', '\ud83d\ude00', '\ud83d', '\ude00', '\n');
const text = fc.oneof(
  { weight: 8, arbitrary: fc.string({ unit, maxLength: 40 }) },
  {
    weight: 1,
    arbitrary: fc.integer({ min: 1, max: 120_000 }).map((length) => '漢a😀'.repeat(length).slice(0, length)),
  },
);
const bytes = fc.oneof(
  { weight: 6, arbitrary: fc.uint8Array({ maxLength: 300 }) },
  {
    weight: 1,
    arbitrary: fc.integer({ min: 1, max: 200_000 }).map((length) => new Uint8Array(length).fill(length)),
  },
);
const step = fc.oneof(
  { weight: 10, arbitrary: fc.record({ kind: fc.constant('text' as const), text }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('bytes' as const, 'owned' as const), bytes }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('flush' as const), sync: fc.boolean(), awaited: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('flushSync' as const), sync: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reopen' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('turn' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('ready' as const) }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

const outcome: fc.Arbitrary<WriteOutcome> = fc.oneof(
  { weight: 4, arbitrary: fc.constant('full' as const) },
  { weight: 4, arbitrary: fc.record({ bytes: fc.integer({ min: 0, max: 100 }) }) },
  { weight: 3, arbitrary: fc.record({ error: fc.constantFrom('EAGAIN', 'EINTR', 'ENOSPC', 'EIO') }) },
);
const faults = fc.record({
  writes: fc.array(outcome, { maxLength: 60, size: 'max' }),
  opens: fc.array(fc.constantFrom(undefined, 'EACCES', 'EMFILE'), { maxLength: 3 }),
  syncs: fc.array(fc.constantFrom(undefined, undefined, 'EIO', 'EINTR'), { maxLength: 5 }),
  landsAtOnce: fc.boolean(),
  isRegular: fc.boolean(),
});
const options = fc
  .record({
    mode: fc.constantFrom('async' as const, 'sync' as const),
    highWaterMark: fc.constantFrom(1, 50, 1000, 300_000),
    flushShare: fc.double({ min: 0, max: 1, noNaN: true }),
    lingerMs: fc.constantFrom(0, 1, Infinity),
    overflow: fc.constantFrom('wait' as const, 'drop' as const, 'throw' as const),
    syncTimeoutMs: fc.constant(1),
  })
  .map(({ flushShare, ...rest }) => ({
    ...rest,
    flushBytes: Math.max(1, Math.floor(rest.highWaterMark * flushShare)),
  }));

/** What the bytes should be: the text since the last bytes is encoded as one string. */
class Oracle {
  #done = Buffer.alloc(0);
  #text = '';

  addText(text: string): void {
    this.#text += text;
  }

  addBytes(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#done = Buffer.concat([this.#done, Buffer.from(this.#text), bytes]);
    this.#text = '';
  }

  /** Bytes that a flush now covers: all but half a character at the end. */
  get positionBytes(): number {
    return this.#done.length + Buffer.byteLength(this.#text.replace(/[\ud800-\udbff]$/, ''));
  }

  get content(): Buffer {
    return Buffer.concat([this.#done, Buffer.from(this.#text)]);
  }
}

function expectFault(error: unknown): void {
  const known = [BusyError, OpenFailedError, OverflowError, SyncFailedError, WriteFailedError];
  if (!known.some((kind) => error instanceof kind)) throw error;
}

test('whatever the program and the faults, every accepted byte is written once, in order', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 80, size: 'max' }),
      options,
      faults,
      async (steps, options, faults) => {
        const files = new MemoryFileSystem();
        files.landsAtOnce = faults.landsAtOnce;
        files.isRegular = faults.isRegular;
        const writer = createWriter('0', { ...(options satisfies WriterOptions), fileSystem: files });
        files.writeOutcomes.push(...faults.writes);
        files.openErrors.push(...faults.opens);
        files.syncErrors.push(...faults.syncs);
        const oracle = new Oracle();
        const boundaries: number[] = [];
        const waits: Promise<void>[] = [];

        for (const step of steps) {
          await runStep(step, writer, options, files, oracle, boundaries, waits);
          checkInvariants(writer, files, oracle);
        }
        // A disk that is full is emptied at last, a step at a time.
        for (;;) {
          try {
            await writer.close();
            break;
          } catch (error) {
            expect(error).toBeInstanceOf(WriteFailedError);
            expect((error as WriteFailedError).positionBytes).toBe(files.content.length);
            writer.retry();
          }
        }
        await Promise.all(waits);

        expect(files.content.equals(oracle.content)).toBe(true);
        expect(files.openCount).toBe(0);
        expect(writer.stats()).toMatchObject({ writtenBytes: oracle.content.length, pendingBytes: 0 });
        const ends: number[] = [];
        for (const file of files.files.slice(0, -1)) ends.push((ends.at(-1) ?? 0) + file.bytes.length);
        expect(ends).toEqual(boundaries);
      },
    ),
    { numRuns: 400 },
  );
});

async function runStep(
  step: Step,
  writer: Writer,
  options: { readonly highWaterMark: number },
  files: MemoryFileSystem,
  oracle: Oracle,
  boundaries: number[],
  waits: Promise<void>[],
): Promise<void> {
  if (writer.failure !== undefined) {
    expect(writer.failure.positionBytes).toBe(files.content.length);
    writer.retry();
  }
  try {
    switch (step.kind) {
      case 'text':
      case 'bytes':
      case 'owned': {
        const { droppedCount } = writer.stats();
        if (step.kind === 'text') writer.write(step.text);
        else if (step.kind === 'bytes') writer.write(step.bytes);
        else writer.writeOwned(step.bytes);
        if (writer.stats().droppedCount > droppedCount) return;
        if (step.kind === 'text') oracle.addText(step.text);
        else oracle.addBytes(step.bytes);
        break;
      }
      case 'flush': {
        const covered = oracle.positionBytes;
        const wait = writer.flush({ sync: step.sync }).then(() => {
          expect(files.content.length).toBeGreaterThanOrEqual(covered);
        }, expectFault);
        if (step.awaited) await wait;
        else waits.push(wait);
        break;
      }
      case 'flushSync': {
        const covered = oracle.positionBytes;
        writer.flushSync({ sync: step.sync });
        expect(files.content.length).toBe(covered);
        break;
      }
      case 'reopen': {
        const boundary = oracle.positionBytes;
        waits.push(
          writer.reopen(`${files.files.length}`).then(() => void boundaries.push(boundary), expectFault),
        );
        break;
      }
      case 'turn':
        await new Promise(setImmediate);
        break;
      case 'ready':
        await writer.ready();
        expect(writer.stats().pendingBytes).toBeLessThan(options.highWaterMark);
        break;
    }
  } catch (error) {
    expectFault(error);
  }
}

function checkInvariants(writer: Writer, files: MemoryFileSystem, oracle: Oracle): void {
  const { content } = files;
  expect(oracle.content.subarray(0, content.length).equals(content)).toBe(true);
  expect(writer.stats().writtenBytes).toBeLessThanOrEqual(content.length);
  expect(writer.stats().durableBytes).toBeLessThanOrEqual(writer.stats().writtenBytes);
}
