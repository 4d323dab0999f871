/** Reading and writing what the command line names. */

import {
  accessSync,
  constants,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';

/** Where relative paths begin: the folder the user typed in, which a package manager's script changes. */
const CWD = process.env['INIT_CWD'] ?? process.cwd();

/** A file cannot be read or written; told in one line. */
export class FileError extends Error {
  override readonly name = 'FileError';
  readonly code = 'ERR_HOTPATH_BENCHMARKS_FILE';
}

/** Refuses a target that cannot be written before an hour is spent on what would go there. */
export function checkWritable(flag: string, file: string): void {
  const folder = dirname(resolve(CWD, file));
  try {
    if (!statSync(folder).isDirectory()) throw new Error(`${folder} is no folder`);
    if (statSync(resolve(CWD, file), { throwIfNoEntry: false })?.isDirectory())
      throw new Error('it is a folder');
    accessSync(folder, constants.W_OK);
  } catch (cause) {
    throw new FileError(`${flag} ${file}: ${(cause as Error).message}`, { cause });
  }
}

/** Fails as a {@link FileError} that tells what was asked for. */
function telling(flag: string, file: string, step: () => void): void {
  try {
    step();
  } catch (cause) {
    throw new FileError(`${flag} ${file}: ${(cause as Error).message}`, { cause });
  }
}

export interface WholeFile {
  /** What asked for it. */
  readonly flag: string;
  readonly file: string;
  readonly content: string;
}

/**
 * Writes whole files and their folders, all or none. They get their names, in their order, when all are on the disk: one that
 * is full leaves what was there before.
 */
export function writeTogether(files: readonly WholeFile[]): void {
  const partialOf = (path: string): string => `${path}.${process.pid}.partial`;
  const made: string[] = [];
  try {
    for (const { flag, file, content } of files) {
      telling(flag, file, () => {
        const path = resolve(CWD, file);
        const folder = mkdirSync(dirname(path), { recursive: true });
        if (folder !== undefined) made.push(folder);
        made.push(partialOf(path));
        writeFileSync(partialOf(path), content);
      });
    }
    for (const { flag, file } of files) {
      telling(flag, file, () => {
        const path = resolve(CWD, file);
        renameSync(partialOf(path), path);
        made.push(path);
      });
    }
  } catch (error) {
    for (const path of made) rmSync(path, { recursive: true, force: true });
    throw error;
  }
}

/** Writes a whole file or none. */
export function writeWhole(flag: string, file: string, content: string): void {
  writeTogether([{ flag, file, content }]);
}

/** Removes the files of a folder that are stale by their names. There may be no such folder. */
export function removeStale(flag: string, folder: string, isStale: (name: string) => boolean): void {
  telling(flag, folder, () => {
    const path = resolve(CWD, folder);
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) return;
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      if (entry.isFile() && isStale(entry.name)) rmSync(join(path, entry.name));
    }
  });
}

/** @throws {FileError} the file cannot be read. */
export function readText(flag: string, file: string): string {
  try {
    return readFileSync(resolve(CWD, file), 'utf8');
  } catch (cause) {
    throw new FileError(`${flag} ${file}: ${(cause as Error).message}`, { cause });
  }
}
