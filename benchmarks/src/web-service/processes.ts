/** The service and the generator as processes of their own, each on a core of its own where the system lets us. */

import { type ChildProcess, execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { pin } from '../services/pinning.ts';
import type { ClusterOptions } from './cluster.ts';
import type { LoadOptions, LoadResult } from './load/generate.ts';
import type { Held, Question, ServeMessage, ServeOptions, Usage } from './serve.ts';

const SERVE = fileURLToPath(new URL('serve.js', import.meta.url));
const CLUSTER = fileURLToPath(new URL('cluster.js', import.meta.url));
const GENERATOR = fileURLToPath(new URL('load/main.js', import.meta.url));
/** Longer than a service takes to drain. */
const STOP_TIMEOUT_MS = 15_000;

/** A process could not be started, or ended too early. */
export class ProcessError extends Error {
  override readonly name = 'ProcessError';
  readonly code = 'ERR_HOTPATH_BENCHMARKS_PROCESS';
}

/** Which core is whose. */
export const SERVICE_CORE = 0;
export const OTHERS_CORE = 1;

/** Resident memory of a Node process that does nothing. */
export function bareNodeBytes(): number {
  return Number(execFileSync(process.execPath, ['-p', 'process.memoryUsage.rss()'], { encoding: 'utf8' }));
}

async function start(
  script: string,
  args: readonly string[],
  core: number | undefined,
): Promise<ChildProcess> {
  const child = fork(script, args, { serialization: 'advanced', stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said.set(child, ((said.get(child) ?? '') + text).slice(-2000));
  });
  await once(child, 'spawn');
  if (core !== undefined) pin(child.pid!, String(core));
  return child;
}

/** The end of what each process wrote to its standard error: why it ended. */
const said = new WeakMap<ChildProcess, string>();

/** The next message; fails when the process ends instead. */
function reply<Message>(child: ChildProcess, name: string): Promise<Message> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      child.off('message', onMessage).off('close', onClose);
    };
    const onMessage = (message: unknown): void => {
      settle();
      resolve(message as Message);
    };
    const onClose = (): void => {
      settle();
      const how = child.signalCode ?? `code ${child.exitCode}`;
      reject(new ProcessError(`${name} ended with ${how}: ${said.get(child) ?? ''}`));
    };
    if (child.exitCode !== null || child.signalCode !== null) {
      // What it wrote last may be still under way.
      if (child.stderr?.readableEnded !== false) onClose();
      else child.once('close', onClose);
      return;
    }
    child.on('message', onMessage).on('close', onClose);
  });
}

async function stop(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const ended = once(child, 'exit');
  child.kill(signal);
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  const [code] = (await ended) as [number | null];
  clearTimeout(timer);
  return code;
}

export interface ServiceProcess {
  readonly port: number;
  readonly pid: number;
  /** Since the last call. */
  usage(): Promise<Usage>;
  /** Collects garbage and takes a snapshot: a second or so in which nothing else is answered. */
  held(): Promise<Held>;
  /** SIGTERM. @returns the exit code; `null` when it had to be killed. */
  stop(): Promise<number | null>;
}

/**
 * Starts a service and waits until it accepts requests.
 *
 * @throws {ProcessError} with what it said, when it does not come up.
 */
export async function startService(options: ServeOptions, core?: number): Promise<ServiceProcess> {
  return startServing(SERVE, options, core);
}

/** As {@link startService}, as several processes behind one port. */
export async function startCluster(options: ServeOptions, workers: number): Promise<ServiceProcess> {
  return startServing(CLUSTER, { ...options, workers }, undefined);
}

async function startServing(script: string, options: ClusterOptions, core?: number): Promise<ServiceProcess> {
  const child = await start(script, [JSON.stringify(options)], core);
  const message = await reply<ServeMessage>(child, `the ${options.variant} service`);
  if (!('port' in message)) {
    await stop(child, 'SIGKILL');
    throw new ProcessError(
      `the ${options.variant} service: ${'failure' in message ? message.failure : 'no port'}`,
    );
  }
  const ask = <Answer extends Usage | Held>(question: Question): Promise<Answer> => {
    const answer = reply<Answer>(child, options.variant);
    // Of a process that has ended the answer tells.
    child.send(question, () => {});
    return answer;
  };
  return {
    port: message.port,
    pid: child.pid!,
    usage: () => ask<Usage>('usage'),
    held: () => ask<Held>('held'),
    stop: () => stop(child, 'SIGTERM'),
  };
}

export interface GeneratorProcess {
  readonly pid: number;
  load(options: LoadOptions): Promise<LoadResult>;
  stop(): Promise<void>;
}

export async function startGenerator(core?: number): Promise<GeneratorProcess> {
  const child = await start(GENERATOR, [], core);
  await reply(child, 'the load generator');
  return {
    pid: child.pid!,
    load(options) {
      const result = reply<LoadResult>(child, 'the load generator');
      child.send(options);
      return result;
    },
    async stop() {
      await stop(child, 'SIGKILL');
    },
  };
}
