import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { resolve as resolvePath } from 'node:path';
import type { Writable } from 'node:stream';
import type { Command } from './arguments.ts';
import { CommandError, finishCpu, finishHeap, prepareOutput } from './output.ts';
import type { PreloadSettings } from './preload-settings.ts';
import { END, END_IF_DEAF, SETTINGS_VARIABLE } from './preload-settings.ts';

/** How long a program may take after Ctrl-C before it is looked whether it has heard it. */
const DEAF_AFTER_MS = 1500;

/**
 * Profiles a program from start to end, and gives its exit code.
 *
 * @throws {CommandError} the program cannot be started, or no profile came of it.
 */
export async function runProgram(command: Command): Promise<number> {
  if (!existsSync(command.target)) throw new CommandError(`no file ${command.target}`);
  const kind = command.command === 'heap' ? 'heap' : 'cpu';
  const base = prepareOutput(command.out, kind, new Date());
  const code = await untilExit(command, {
    parent: process.pid,
    kind,
    // The program may change its folder.
    file: resolvePath(`${base}.${kind}profile`),
    interval: kind === 'cpu' ? command.intervalUs : command.intervalBytes,
  });
  const finish = kind === 'cpu' ? finishCpu : finishHeap;
  process.stdout.write(await finish(base, command.target, command.top));
  return code;
}

/** A terminal tells the program of Ctrl-C too, and twice would be once too often. */
function hasTerminal(): boolean {
  return [process.stdin, process.stdout, process.stderr].some(({ isTTY }) => isTTY);
}

function untilExit({ target, rest }: Command, settings: PreloadSettings): Promise<number> {
  return new Promise((resolve, reject) => {
    const preload = new URL('preload.js', import.meta.url).href;
    const child = spawn(process.execPath, ['--import', preload, target, ...rest], {
      stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
      env: { ...process.env, [SETTINGS_VARIABLE]: JSON.stringify(settings) },
    });
    const pipe = child.stdio[3] as Writable;
    pipe.on('error', () => pipe.destroy());
    let asked: NodeJS.Signals | undefined;
    const end = (signal: NodeJS.Signals): void => {
      if (signal !== 'SIGINT' || !hasTerminal()) child.kill(signal);
      // Who asks twice does not want to wait for what the program's handler does.
      const text = asked === undefined ? END_IF_DEAF : END;
      asked = signal;
      setTimeout(() => pipe.write(text), DEAF_AFTER_MS).unref();
    };
    const onInterrupt = (): void => end('SIGINT');
    const onTerminate = (): void => end('SIGTERM');
    process.on('SIGINT', onInterrupt);
    process.on('SIGTERM', onTerminate);
    child.once('error', (error) => reject(new CommandError(`cannot start ${target}: ${error.message}`)));
    child.once('exit', (code, signal) => {
      process.off('SIGINT', onInterrupt);
      process.off('SIGTERM', onTerminate);
      pipe.destroy();
      resolve(code ?? 128 + constants.signals[asked ?? signal!]);
    });
  });
}
