/** The command `hotpath-profile`. */

import { readFileSync } from 'node:fs';
import { ProfileError } from '../errors.ts';
import { readArguments, UsageError } from './arguments.ts';
import type { Command } from './arguments.ts';
import { attach } from './attach.ts';
import { HELP } from './help.ts';
import { checkLeak } from './leak.ts';
import { CommandError } from './output.ts';
import { runProgram } from './run.ts';

const ACTIONS: Readonly<Record<Command['command'], (command: Command) => Promise<number>>> = {
  run: runProgram,
  heap: runProgram,
  attach,
  leak: checkLeak,
};

function version(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

async function main(args: readonly string[]): Promise<number> {
  const command = readArguments(args);
  if (command === 'help' || command === 'version') {
    process.stdout.write(command === 'help' ? HELP : `${version()}\n`);
    return 0;
  }
  // Of a leak check, 1 says that there is a leak.
  if (command.command === 'leak') failureCode = 2;
  return ACTIONS[command.command](command);
}

let failureCode = 1;
let code: number;
try {
  code = await main(process.argv.slice(2));
} catch (error) {
  const isOurs =
    error instanceof CommandError || error instanceof UsageError || error instanceof ProfileError;
  const told = isOurs
    ? error.message
    : `failed: ${error instanceof Error ? (error.stack ?? error.message) : 'unknown'}`;
  process.stderr.write(`hotpath-profile: ${told}\n`);
  code = error instanceof UsageError ? 2 : failureCode;
}
// What `leak` has loaded may hold the event loop for ever: a server, a pool of connections.
process.stdout.write('', () => process.stderr.write('', () => process.exit(code)));
