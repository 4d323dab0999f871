/** What a figure depends on: the machine, the runtime, the commit. */

import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Environment } from '../report/record.ts';

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}

function caches(): string {
  const root = '/sys/devices/system/cpu/cpu0/cache';
  let indexes: string[];
  try {
    indexes = readdirSync(root).filter((name) => name.startsWith('index'));
  } catch {
    return '';
  }
  const kinds: Record<string, string> = { Data: 'd', Instruction: 'i', Unified: '' };
  return indexes
    .map((index) => {
      const level = read(`${root}/${index}/level`) ?? '?';
      const kind = kinds[read(`${root}/${index}/type`) ?? ''] ?? '';
      return `L${level}${kind} ${read(`${root}/${index}/size`) ?? '?'}`;
    })
    .join(', ');
}

function commit(): string {
  const cwd = fileURLToPath(new URL('../../..', import.meta.url));
  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    const hash = git('rev-parse', '--short=12', 'HEAD');
    return git('status', '--porcelain') === '' ? hash : `${hash}+dirty`;
  } catch {
    return 'unknown';
  }
}

/** Version and engine of the Node that measures, which need not be the one that runs this. */
function runtime(execPath: string): { node: string; v8: string } {
  if (execPath === process.execPath) return { node: process.version, v8: process.versions.v8 };
  const print = 'process.stdout.write(JSON.stringify({ node: process.version, v8: process.versions.v8 }))';
  return JSON.parse(execFileSync(execPath, ['-e', print], { encoding: 'utf8' })) as {
    node: string;
    v8: string;
  };
}

export function describeEnvironment(
  execPath: string,
  services: Environment['services'],
  settings: Environment['settings'],
): Environment {
  return {
    date: new Date().toISOString(),
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    caches: caches(),
    governor: read('/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor') ?? 'unknown',
    memoryBytes: totalmem(),
    os: `${type()} ${release()}`,
    ...runtime(execPath),
    commit: commit(),
    load: loadavg()[0] ?? 0,
    services,
    settings,
  };
}
