import { RemoteLoadError } from '../errors.ts';

/** Longest message, and longest name or code, that are passed on: what a lease holds has to stay small. */
const MESSAGE_MAX = 300;
const NAME_MAX = 60;

/** What a loader threw, as text for other processes: at most 4000 of `A-Za-z0-9_-`. */
export function failureOf(error: unknown): string {
  const { name, message, code } =
    error instanceof Error ? (error as Error & { code?: unknown }) : named(error);
  const parts = [name.slice(0, NAME_MAX), message.slice(0, MESSAGE_MAX)];
  if (typeof code === 'string') parts.push(code.slice(0, NAME_MAX));
  return Buffer.from(JSON.stringify(parts)).toString('base64url');
}

/** The error of those who waited for a load that failed elsewhere. */
export function remoteError(failure: string): RemoteLoadError {
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(failure, 'base64url').toString());
  } catch {
    // Of a later version of this package, or of none.
  }
  const [name = 'Error', message = '', code] = Array.isArray(parts) ? parts.map(String) : [];
  const cause = code === undefined ? { name, message } : { name, message, code };
  return new RemoteLoadError(`the loader failed in another process: ${name}: ${message}`, { cause });
}

function named(thrown: unknown): { name: string; message: string; code?: unknown } {
  return { name: typeof thrown, message: String(thrown) };
}
