import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import type { Redis } from 'ioredis';

/** The commands that a Redis carries out, in order. */
export interface Monitor extends Disposable {
  /** Name and arguments of each; those of scripts are left out. */
  readonly commands: readonly (readonly string[])[];
}

/**
 * Listens to the server that the client talks to. On a socket of its own: a client of ioredis takes what comes in one piece with the
 * answer to MONITOR for answers to other commands.
 */
export async function monitor(client: Redis): Promise<Monitor> {
  const socket = connect(client.options.port!, client.options.host);
  const lines = createInterface({ input: socket });
  const commands: string[][] = [];
  lines.on('line', (line) => {
    const [, source, args] = /^\+[\d.]+ \[\d+ ([^\]]*)\] (.*)$/u.exec(line) ?? [];
    if (args === undefined || source === 'lua') return;
    commands.push(Array.from(args.matchAll(/"((?:[^"\\]|\\.)*)"/gu), ([, arg]) => arg!));
  });
  socket.write('MONITOR\r\n');
  await once(lines, 'line');
  return {
    commands,
    [Symbol.dispose]: () => {
      lines.close();
      socket.destroy();
    },
  };
}
