import { dirname } from 'node:path';
import type { FileHandle } from 'node:fs/promises';
import { describe } from '../arguments.ts';
import { ArgumentTypeError, OpenFailedError } from '../errors.ts';
import type { WriterFileSystem } from './file-system.ts';
import type { ResolvedWriterOptions } from './options.ts';

/** Where the bytes go: a path that we open, or a descriptor or handle that is open already. */
export type WriterTarget = string | number | FileHandle;

/**
 * An open descriptor and what is known of it. A handle's descriptor is read anew at each use: after somebody closes
 * the handle the kernel may give the same number to another file, and −1 then fails instead of writing there.
 */
export class OpenTarget {
  readonly path: string | undefined;
  /** A regular file, whose size tells how far a write on another thread has come. */
  readonly isFile: boolean;
  /** Size when opened. */
  readonly startBytes: number;
  readonly #handle: FileHandle | undefined;
  readonly #descriptor: number;
  readonly #owned: boolean;
  readonly #fs: WriterFileSystem;

  private constructor(
    fs: WriterFileSystem,
    path: string | undefined,
    descriptor: number,
    handle: FileHandle | undefined,
    owned: boolean,
  ) {
    this.#fs = fs;
    this.path = path;
    this.#descriptor = descriptor;
    this.#handle = handle;
    this.#owned = owned;
    const stat = fs.fstatSync(handle === undefined ? descriptor : handle.fd);
    this.isFile = stat.isFile();
    this.startBytes = stat.size;
  }

  /**
   * @throws {ArgumentTypeError} a target that is no path, descriptor or handle
   * @throws {OpenFailedError} a path that cannot be opened, a descriptor that is not open
   */
  static open(target: WriterTarget, options: ResolvedWriterOptions, fs: WriterFileSystem): OpenTarget {
    if (typeof target === 'string') return OpenTarget.#openPath(target, options, fs);
    const owned = options.autoClose ?? false;
    const handle =
      typeof target === 'object' && target !== null && typeof target.fd === 'number' ? target : undefined;
    if (handle === undefined && !(typeof target === 'number' && Number.isInteger(target) && target >= 0)) {
      throw new ArgumentTypeError(
        `target: expected a path, a descriptor or a FileHandle, got ${describe(target)}`,
      );
    }
    try {
      return handle === undefined
        ? new OpenTarget(fs, undefined, target as number, undefined, owned)
        : new OpenTarget(fs, undefined, -1, handle, owned);
    } catch (error) {
      throw new OpenFailedError(`fd ${handle?.fd ?? describe(target)}`, error);
    }
  }

  static #openPath(path: string, options: ResolvedWriterOptions, fs: WriterFileSystem): OpenTarget {
    try {
      if (options.mkdir) fs.mkdirSync(dirname(path), { recursive: true });
      const descriptor = fs.openSync(path, options.append ? 'a' : 'w', options.fileMode);
      return new OpenTarget(fs, path, descriptor, undefined, options.autoClose ?? true);
    } catch (error) {
      throw new OpenFailedError(path, error);
    }
  }

  get descriptor(): number {
    return this.#handle === undefined ? this.#descriptor : this.#handle.fd;
  }

  /** Bytes in the file now; only asked of regular files. */
  sizeBytes(): number {
    return this.#fs.fstatSync(this.descriptor).size;
  }

  /** Closes what is ours to close. The caller makes sure that no call on the descriptor is under way. */
  close(done: (error: Error | null) => void): void {
    if (!this.#owned) done(null);
    else if (this.#handle === undefined) this.#fs.close(this.#descriptor, done);
    else void closeHandle(this.#handle, done);
  }
}

async function closeHandle(handle: FileHandle, done: (error: Error | null) => void): Promise<void> {
  try {
    await handle.close();
  } catch (error) {
    done(error as Error);
    return;
  }
  done(null);
}
