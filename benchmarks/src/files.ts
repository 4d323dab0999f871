/** Reading and writing what the command line names. */

import {
  accessSync,
  constants,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, resolve } from 'node:path';

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

/** Writes a whole file or none. */
export function writeWhole(flag: string, file: string, content: string): void {
  const path = resolve(CWD, file);
  const partial = `${path}.${process.pid}.partial`;
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(partial, content);
    renameSync(partial, path);
  } catch (cause) {
    rmSync(partial, { force: true });
    throw new FileError(`${flag} ${file}: ${(cause as Error).message}`, { cause });
  }
}

/** @throws {FileError} the file cannot be read. */
export function readText(flag: string, file: string): string {
  try {
    return readFileSync(resolve(CWD, file), 'utf8');
  } catch (cause) {
    throw new FileError(`${flag} ${file}: ${(cause as Error).message}`, { cause });
  }
}
