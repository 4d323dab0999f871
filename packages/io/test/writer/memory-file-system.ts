import type { WriterFileSystem } from '@hotpath/io';

/** What a call of write(2) does: takes everything, takes some bytes, or fails. */
export type WriteOutcome = 'full' | { readonly bytes: number } | { readonly error: string };

interface MemoryFile {
  readonly path: string;
  bytes: Buffer;
  syncedBytes: number;
}

/** A file system in memory that answers each call as it is told, and as usual when it is told nothing. */
export class MemoryFileSystem implements WriterFileSystem {
  readonly files: MemoryFile[] = [];
  readonly writeOutcomes: WriteOutcome[] = [];
  readonly openErrors: (string | undefined)[] = [];
  readonly syncErrors: (string | undefined)[] = [];
  /** True: a write on the pool lands when it is issued; false: only just before its callback. */
  landsAtOnce = true;
  isRegular = true;
  openCount = 0;
  /** Set to hold callbacks back until `release()`. */
  held: (() => void)[] | undefined;

  /** Everything ever written, in the order of the files. */
  get content(): Buffer {
    return Buffer.concat(this.files.map((file) => file.bytes));
  }

  /** The bytes that survive a power cut. */
  get syncedBytes(): number {
    let total = 0;
    for (const file of this.files) {
      total += file.syncedBytes;
      if (file.syncedBytes < file.bytes.length) break;
    }
    return total;
  }

  release(): void {
    const held = this.held ?? [];
    this.held = undefined;
    for (const call of held) call();
  }

  write(
    fd: number,
    bytes: Uint8Array,
    offset: number,
    lengthBytes: number,
    _position: null,
    callback: (error: NodeJS.ErrnoException | null, writtenBytes: number) => void,
  ): void {
    const perform = (): [NodeJS.ErrnoException | null, number] => {
      try {
        return [null, this.writeSync(fd, bytes, offset, lengthBytes)];
      } catch (error) {
        return [error as NodeJS.ErrnoException, 0];
      }
    };
    const early = this.landsAtOnce ? perform() : undefined;
    this.#later(() => {
      callback(...(early ?? perform()));
    });
  }

  writeSync(fd: number, bytes: Uint8Array, offset: number, lengthBytes: number): number {
    const outcome = this.writeOutcomes.shift() ?? 'full';
    if (typeof outcome === 'object' && 'error' in outcome) throw failure(outcome.error);
    const taken = outcome === 'full' ? lengthBytes : Math.min(lengthBytes, outcome.bytes);
    const file = this.#file(fd);
    file.bytes = Buffer.concat([file.bytes, bytes.subarray(offset, offset + taken)]);
    return taken;
  }

  fdatasync(fd: number, callback: (error: NodeJS.ErrnoException | null) => void): void {
    this.#later(() => {
      try {
        this.fdatasyncSync(fd);
      } catch (error) {
        callback(error as NodeJS.ErrnoException);
        return;
      }
      callback(null);
    });
  }

  fdatasyncSync(fd: number): void {
    const error = this.syncErrors.shift();
    if (error !== undefined) throw failure(error);
    const file = this.#file(fd);
    file.syncedBytes = file.bytes.length;
  }

  openSync(path: string): number {
    const error = this.openErrors.shift();
    if (error !== undefined) throw failure(error);
    this.openCount++;
    this.files.push({ path, bytes: Buffer.alloc(0), syncedBytes: 0 });
    return this.files.length - 1;
  }

  mkdirSync(): void {}

  fstatSync(fd: number): { size: number; isFile(): boolean } {
    return { size: this.#file(fd).bytes.length, isFile: () => this.isRegular };
  }

  close(fd: number, callback: (error: NodeJS.ErrnoException | null) => void): void {
    this.#file(fd);
    this.openCount--;
    this.#later(() => callback(null));
  }

  #file(fd: number): MemoryFile {
    const file = this.files[fd];
    if (file === undefined) throw failure('EBADF');
    return file;
  }

  #later(call: () => void): void {
    if (this.held === undefined) setImmediate(call);
    else this.held.push(call);
  }
}

function failure(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: injected`), { code });
}
