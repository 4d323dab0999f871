import fs from 'node:fs';

/** The system calls that a writer makes, in the form of `node:fs`. */
export interface WriterFileSystem {
  write(
    fd: number,
    bytes: Uint8Array,
    offset: number,
    lengthBytes: number,
    position: null,
    callback: (error: NodeJS.ErrnoException | null, writtenBytes: number) => void,
  ): void;
  writeSync(fd: number, bytes: Uint8Array, offset: number, lengthBytes: number, position: null): number;
  fdatasync(fd: number, callback: (error: NodeJS.ErrnoException | null) => void): void;
  fdatasyncSync(fd: number): void;
  openSync(path: string, flags: string, mode: number): number;
  mkdirSync(path: string, options: { readonly recursive: true }): void;
  fstatSync(fd: number): { readonly size: number; isFile(): boolean };
  close(fd: number, callback: (error: NodeJS.ErrnoException | null) => void): void;
}

/** The default: `node:fs` itself, looked up a call so that instrumented and mocked modules are honoured. */
export const nodeFileSystem: WriterFileSystem = fs;
