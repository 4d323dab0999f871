/** `@hotpath/io/files`: many files, lines, copies. */

export { copy, type CopyOptions } from './copy.ts';
export { lines, type Lines, type LinesOptions, type LinesSource } from './lines.ts';
export { readFiles, type ReadFileResult, type ReadFilesOptions } from './read-files.ts';
export {
  IoError,
  ArgumentRangeError,
  ArgumentTypeError,
  LineTooLongError,
  OpenFailedError,
  VerifyFailedError,
  type IoErrorCode,
} from '../errors.ts';
