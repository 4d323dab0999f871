/** The command line and its check. Pure. */

import { parseArgs } from 'node:util';

export interface Command {
  readonly command: 'run' | 'heap' | 'attach' | 'leak';
  /** The program, process id or `module#export`. */
  readonly target: string;
  /** The program's own arguments. */
  readonly rest: readonly string[];
  readonly out: string;
  readonly top: number;
  readonly intervalUs: number;
  readonly intervalBytes: number;
  readonly durationMs: number;
  readonly port: number;
  readonly iterations: number | undefined;
}

/** The user's mistake, told in one line. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

const COMMANDS = ['run', 'heap', 'attach', 'leak'] as const;

const OPTIONS = {
  out: { type: 'string', default: 'hotpath-profile' },
  top: { type: 'string', default: '20' },
  'interval-us': { type: 'string', default: '1000' },
  'interval-bytes': { type: 'string', default: '32768' },
  duration: { type: 'string', default: '10' },
  port: { type: 'string', default: '9229' },
  iterations: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean' },
} as const;

function numberOf(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= least && value <= most)) {
    throw new UsageError(
      `--${name}: expected a number from ${least} to ${most}, got ${JSON.stringify(text)}`,
    );
  }
  return value;
}

function integerOf(name: string, text: string, least: number, most: number): number {
  const value = numberOf(name, text, least, most);
  if (!Number.isInteger(value)) throw new UsageError(`--${name}: expected a whole number, got ${text}`);
  return value;
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    const [reason] = (error as Error).message.split('. ');
    throw new UsageError(`${reason}; arguments of the program go after --`);
  }
}

/** @throws {UsageError} nothing of it is done. */
export function readArguments(all: readonly string[]): Command | 'help' | 'version' {
  const split = all.indexOf('--');
  const own = split === -1 ? all : all.slice(0, split);
  const rest = split === -1 ? [] : all.slice(split + 1);
  const { values, positionals } = parse(own);
  if (values.help === true || all.length === 0) return 'help';
  if (values.version === true) return 'version';
  const [name, target, ...more] = positionals;
  const command = COMMANDS.find((command) => command === name);
  if (command === undefined) {
    throw new UsageError(`expected ${COMMANDS.join(', ')}, got ${JSON.stringify(name ?? '')}`);
  }
  if (target === undefined) throw new UsageError(`${command}: what? See --help`);
  if (more.length > 0) {
    throw new UsageError(
      `${command}: one too many: ${JSON.stringify(more[0])}; arguments of the program go after --`,
    );
  }
  if (values.out === '') throw new UsageError('--out: expected the name of a directory');
  const { iterations } = values;
  return {
    command,
    target,
    rest,
    out: values.out,
    top: integerOf('top', values.top, 1, 100_000),
    intervalUs: integerOf('interval-us', values['interval-us'], 50, 1_000_000),
    intervalBytes: integerOf('interval-bytes', values['interval-bytes'], 64, 16_777_216),
    durationMs: Math.ceil(numberOf('duration', values.duration, 0.001, 3600) * 1000),
    port: integerOf('port', values.port, 1, 65_535),
    iterations: iterations === undefined ? undefined : integerOf('iterations', iterations, 1, 10_000_000),
  };
}
