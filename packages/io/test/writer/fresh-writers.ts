import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { createWriter, type Writer, type WriterOptions } from '@hotpath/io';
import { MemoryFileSystem } from './memory-file-system.ts';

/** Paths in a folder that goes with the last test of the file that asks. */
export function freshPaths(): () => string {
  const folder = mkdtempSync(join(tmpdir(), 'hotpath-io-'));
  afterAll(() => rm(folder, { recursive: true }));
  let fileCount = 0;
  return () => join(folder, `${fileCount++}.log`);
}

export function memoryWriter(options: WriterOptions = {}): { writer: Writer; files: MemoryFileSystem } {
  const files = new MemoryFileSystem();
  return { writer: createWriter('memory', { ...options, fileSystem: files }), files };
}
