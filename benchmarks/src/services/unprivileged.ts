import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { RunAs } from './watchdog-protocol.ts';

const run = promisify(execFile);

/** Users that systems come with and that own nothing, in order of preference. */
const CANDIDATES = ['nobody', 'postgres', 'daemon'];

/** `id` knows every source of users (files, LDAP, macOS' directory); ids above 2^31 wrap, as Node wants them. */
async function lookUp(user: string): Promise<RunAs | undefined> {
  try {
    const [uid, gid] = await Promise.all([run('id', ['-u', user]), run('id', ['-g', user])]);
    return { uid: Number(uid.stdout) | 0, gid: Number(gid.stdout) | 0 };
  } catch {
    return undefined;
  }
}

/**
 * Whom to run a server as that refuses to be root's: nobody needs to ask unless this process is root. `undefined` for
 * "as we are"; `'none'` when this is root and the system has none of the users that come with every system.
 */
export async function unprivilegedUser(): Promise<RunAs | undefined | 'none'> {
  if (process.getuid?.() !== 0) return undefined;
  for (const user of CANDIDATES) {
    const found = await lookUp(user);
    if (found !== undefined && found.uid !== 0) return found;
  }
  return 'none';
}
