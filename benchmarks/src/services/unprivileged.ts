import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import type { RunAs } from './watchdog-protocol.ts';

const run = promisify(execFile);

/** Users that systems come with and that own nothing, in order of preference. */
const CANDIDATES = ['nobody', 'postgres', 'daemon'];

/** The list of users of every Unix but macOS, which keeps only its first few there: `name:x:uid:gid:…`. */
function lookUpInFile(user: string): RunAs | undefined {
  try {
    const lines = readFileSync('/etc/passwd', 'utf8').split('\n');
    const [, , uid, gid] = lines.find((line) => line.startsWith(`${user}:`))?.split(':') ?? [];
    return uid === undefined || gid === undefined ? undefined : runAs(uid, gid);
  } catch {
    return undefined;
  }
}

/** `id` knows the other sources of users: LDAP, macOS’ directory. */
async function lookUpWithId(user: string): Promise<RunAs | undefined> {
  try {
    const [uid, gid] = await Promise.all([run('id', ['-u', user]), run('id', ['-g', user])]);
    return runAs(uid.stdout, gid.stdout);
  } catch {
    return undefined;
  }
}

/** Node wants ids above 2^31, as macOS’ nobody has, as negative numbers. */
function runAs(uid: string, gid: string): RunAs {
  return { uid: Number(uid) | 0, gid: Number(gid) | 0 };
}

/**
 * Whom to run a server as that refuses to be root's: nobody needs to ask unless this process is root. `undefined` for
 * "as we are"; `'none'` when this is root and the system has none of the users that come with every system.
 */
export async function unprivilegedUser(): Promise<RunAs | undefined | 'none'> {
  if (process.getuid?.() !== 0) return undefined;
  for (const user of CANDIDATES) {
    const found = lookUpInFile(user) ?? (await lookUpWithId(user));
    if (found !== undefined && found.uid !== 0) return found;
  }
  return 'none';
}
