import { RemoteLoadError } from '../errors.ts';

/** Longest message, and longest name or code, that are passed on: what a lease holds has to stay small. */
const MESSAGE_MAX = 300;
const NAME_MAX = 60;

/** What a loader threw, as text for other processes: at most 4000 of `A-Za-z0-9_-`. Never throws, whatever was thrown. */
export function failureOf(error: unknown): string {
  let parts: readonly string[];
  try {
    parts = partsOf(error);
  } catch {
    parts = ['Error', ''];
  }
  return Buffer.from(JSON.stringify(parts)).toString('base64url');
}

/** The error of those who waited for a load that failed elsewhere. */
export function remoteError(failure: string): RemoteLoadError {
  let parts: string[] = [];
  try {
    const sent: unknown = JSON.parse(Buffer.from(failure, 'base64url').toString());
    if (Array.isArray(sent)) parts = sent.map(String);
  } catch {
    // Of a later version of this package, or of none.
  }
  const [name = 'Error', message = '', code] = parts;
  const cause = code === undefined ? { name, message } : { name, message, code };
  return new RemoteLoadError(`the loader failed in another process: ${name}: ${message}`, { cause });
}

/** Name, message and, if there is one, code. The getters and `toString` of what was thrown may throw. */
function partsOf(thrown: unknown): string[] {
  if (!(thrown instanceof Error)) return [typeof thrown, String(thrown).slice(0, MESSAGE_MAX)];
  const { name, message, code } = thrown as { name: unknown; message: unknown; code?: unknown };
  const parts = [String(name).slice(0, NAME_MAX), String(message).slice(0, MESSAGE_MAX)];
  if (typeof code === 'string') parts.push(code.slice(0, NAME_MAX));
  return parts;
}
