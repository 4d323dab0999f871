/** Reading and writing what the command line names. */

import {
  accessSync,
  constants,
  copyFileSync,
  linkSync,
  lstatSync,
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

/** A file on its way: whole under a name of its own, with what it replaces beside it. */
class Replacement {
  readonly #path: string;
  readonly #partial: string;
  readonly #earlier: string;
  /** The topmost folder that was made for it. */
  #madeFolder: string | undefined;
  #keepsEarlier = false;
  #isInPlace = false;

  constructor(file: string) {
    this.#path = resolve(CWD, file);
    this.#partial = `${this.#path}.${process.pid}.partial`;
    this.#earlier = `${this.#path}.${process.pid}.earlier`;
  }

  write(content: string): void {
    this.#madeFolder = mkdirSync(dirname(this.#path), { recursive: true });
    writeFileSync(this.#partial, content);
    this.#keepEarlier();
  }

  /** The name is never without a file. */
  putInPlace(): void {
    renameSync(this.#partial, this.#path);
    this.#isInPlace = true;
  }

  commit(): void {
    if (this.#keepsEarlier) rmSync(this.#earlier, { force: true });
  }

  /** As it was before. What cannot be put back stays beside its place. */
  undo(): void {
    rmSync(this.#partial, { force: true });
    if (this.#isInPlace && this.#keepsEarlier) renameSync(this.#earlier, this.#path);
    else if (this.#isInPlace) rmSync(this.#path, { force: true });
    else if (this.#keepsEarlier) rmSync(this.#earlier, { force: true });
    if (this.#madeFolder !== undefined) rmSync(this.#madeFolder, { recursive: true, force: true });
  }

  #keepEarlier(): void {
    const found = lstatSync(this.#path, { throwIfNoEntry: false });
    // A folder is not replaced: the attempt tells why.
    if (found === undefined || found.isDirectory()) return;
    try {
      linkSync(this.#path, this.#earlier);
    } catch {
      // Not every file system has links.
      copyFileSync(this.#path, this.#earlier);
    }
    this.#keepsEarlier = true;
  }
}

/**
 * Writes whole files and their folders, all or none. They get their names, in their order, when all are on the disk; when
 * one cannot, those before it get back what they replaced: what was there before stays, whole.
 */
export function writeTogether(files: readonly WholeFile[]): void {
  const begun: Replacement[] = [];
  try {
    for (const { flag, file, content } of files) {
      telling(flag, file, () => {
        const replacement = new Replacement(file);
        begun.push(replacement);
        replacement.write(content);
      });
    }
    for (const [index, { flag, file }] of files.entries()) {
      telling(flag, file, () => {
        begun[index]!.putInPlace();
      });
    }
  } catch (error) {
    for (const replacement of begun.toReversed()) {
      try {
        replacement.undo();
      } catch {
        // Less than what led here, and that is told; the others are put back all the same.
      }
    }
    throw error;
  }
  for (const replacement of begun) replacement.commit();
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
