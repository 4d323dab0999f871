import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A temporary folder that a server of any user can enter; whoever starts servers below it is recognised by it. */
export function markedFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'services-test-'));
  chmodSync(folder, 0o755);
  return folder;
}

function readOrEmpty(read: () => string): string {
  try {
    return read();
  } catch {
    return ''; // ended meanwhile
  }
}

/** Every process but this one that was started with the folder in its command or environment, or works in it. */
export function processesIn(folder: string): string[] {
  if (process.platform !== 'linux') {
    const listing = execFileSync('ps', ['-A', '-E', '-o', 'pid=,command='], { encoding: 'utf8' });
    return listing.split('\n').filter((line) => line.includes(folder));
  }
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && name !== String(process.pid))
    .map((pid) => {
      const command = readOrEmpty(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
      const environment = readOrEmpty(() => readFileSync(`/proc/${pid}/environ`, 'utf8'));
      const cwd = readOrEmpty(() => readlinkSync(`/proc/${pid}/cwd`));
      return { pid, command, text: `${command}\n${environment}\n${cwd}` };
    })
    .filter(({ text }) => text.includes(folder))
    .map(({ pid, command }) => `${pid} ${command.replaceAll('\0', ' ')}`);
}

/** What is left of the servers started below the folder: processes and files. */
export function leftovers(folder: string): string[] {
  return [...processesIn(folder), ...readdirSync(folder)];
}
