import { accessSync, constants, lstatSync, mkdirSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';

function usable(folder: string): boolean {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    accessSync(folder, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** A folder under the temporary one has a name that others can guess: it must be ours, and ours alone to write. */
function isPrivate(folder: string): boolean {
  const WRITABLE_BY_OTHERS = 0o022;
  const stat = lstatSync(folder);
  return stat.isDirectory() && stat.uid === process.getuid?.() && (stat.mode & WRITABLE_BY_OTHERS) === 0;
}

function home(): string | undefined {
  try {
    return homedir();
  } catch {
    return undefined; // neither HOME nor an entry in the list of users
  }
}

/**
 * The folder for what is fetched once and used by every later run: `hotpath` in XDG_CACHE_HOME or `~/.cache`, or one of
 * this user in the temporary folder where neither can be written. `undefined` if that is not possible either.
 */
export function cacheFolder(): string | undefined {
  const xdg = process.env['XDG_CACHE_HOME'];
  const own = home();
  const wanted = [
    ...(xdg === undefined || xdg === '' ? [] : [join(xdg, 'hotpath')]),
    ...(own === undefined ? [] : [join(own, '.cache', 'hotpath')]),
  ];
  const found = wanted.find(usable);
  if (found !== undefined) return found;
  const fallback = join(tmpdir(), `hotpath-cache-${process.getuid?.() ?? 0}`);
  return usable(fallback) && isPrivate(fallback) ? fallback : undefined;
}
