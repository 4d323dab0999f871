import { spawn, type ChildProcess } from 'node:child_process';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WatchdogError } from './errors.ts';
import { killTree } from './process-tree.ts';
import type { Answers, Reply, Request } from './watchdog-protocol.ts';

interface Pending {
  readonly resolve: (answer: never) => void;
  readonly reject: (error: Error) => void;
}

/** The watchdog of this process; one serves all servers, and ends with the last of them. */
let shared: Watchdog | undefined;

/**
 * This process's side of the watchdog (see watchdog.ts). Nothing here keeps the event loop alive, except while an
 * answer is awaited: a program that forgets to stop its servers ends all the same, and they with it.
 */
export class Watchdog {
  readonly #process: ChildProcess;
  readonly #pending = new Map<number, Pending>();
  readonly #servers = new Set<number>();
  readonly #exited: Promise<void>;
  #nextId = 1;
  #users = 0;
  #failure: WatchdogError | undefined;

  /** The shared watchdog, started if there is none; every call is to be paired with one of `release`. */
  static acquire(): Watchdog {
    shared ??= new Watchdog();
    shared.#users++;
    return shared;
  }

  private constructor() {
    const file = fileURLToPath(new URL(`./watchdog${extname(import.meta.url)}`, import.meta.url));
    const env = { ...process.env };
    // Meant for this program: a debugger's port, a loader, coverage.
    for (const name of ['NODE_OPTIONS', 'NODE_V8_COVERAGE', 'NODE_CHANNEL_FD']) delete env[name];
    this.#process = spawn(process.execPath, [file], {
      cwd: '/',
      env,
      detached: true,
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    this.#process.on('message', (reply: Reply) => {
      this.#receive(reply);
    });
    this.#exited = new Promise((resolve) => {
      const ended = (detail: string): void => {
        this.#fail(new WatchdogError(`the process that guards the servers ${detail}`));
        resolve();
      };
      this.#process.once('error', (error) => {
        ended(`could not be started: ${error.message}`);
      });
      this.#process.once('exit', (code, signal) => {
        ended(`ended (${signal ?? `code ${code}`})`);
      });
    });
    this.#process.unref();
    this.#process.channel?.unref();
  }

  /** Asks the watchdog to do something; the answer's type follows the request's `op`. */
  request<R extends Request>(request: R): Promise<Answers[R['op']]> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const id = this.#nextId++;
    if (this.#pending.size === 0) this.#process.channel?.ref();
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      this.#process.send({ ...request, id }, (error) => {
        if (error !== null) this.#settle(id)?.reject(new WatchdogError(error.message, { cause: error }));
      });
    });
  }

  /** Gives up one use; the last one ends the watchdog and waits for its end. */
  async release(): Promise<void> {
    if (--this.#users > 0) return;
    if (shared === this) shared = undefined;
    this.#process.ref();
    if (this.#process.connected) this.#process.disconnect();
    await this.#exited;
  }

  #receive(reply: Reply): void {
    if ('exited' in reply) {
      this.#servers.delete(reply.exited);
      return;
    }
    const pending = this.#settle(reply.id);
    if ('failure' in reply) {
      pending?.reject(new WatchdogError(reply.failure));
      return;
    }
    const { answer } = reply;
    if (answer !== null && typeof answer === 'object' && 'pid' in answer) this.#servers.add(answer.pid);
    pending?.resolve(answer as never);
  }

  #settle(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    if (this.#pending.size === 0) this.#process.channel?.unref();
    return pending;
  }

  /** It ended, asked to or not: what still waits cannot be answered, and servers that it left behind must go. */
  #fail(error: WatchdogError): void {
    this.#failure = error;
    if (shared === this) shared = undefined;
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
    for (const pid of this.#servers) killTree(pid);
    this.#servers.clear();
  }
}
