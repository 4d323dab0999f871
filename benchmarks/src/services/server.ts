import { tmpdir } from 'node:os';
import { ServiceStartError, ServiceStoppedError } from './errors.ts';
import { choosePort } from './port.ts';
import { Watchdog } from './watchdog-client.ts';
import type { RunAs, ServerSpec } from './watchdog-protocol.ts';

/** Another process can take a port between our look and the server's bind: so often another port is tried. */
const PORT_ATTEMPTS = 10;
/** So often a restart tries its own port again, when somebody else holds it at that moment. */
const SAME_PORT_ATTEMPTS = 20;
const SAME_PORT_PAUSE_MS = 250;
const PORT_TAKEN = /address already in use|could not (?:bind|create)[^\n]*(?:socket|port|address)/i;

/** `killed` has its files and its port still and can be restarted; `stopped` is the end. */
export type ServerState = 'running' | 'hung' | 'killed' | 'stopped';

/** The folder that a server may write to, and the watchdog that made it. */
export interface Home {
  readonly watchdog: Watchdog;
  readonly folder: string;
}

/** What starts on a port; called again with another port when the first is taken. */
export type SpecFor = (port: number) => ServerSpec;

/** A folder of its own, removed by the watchdog at the end; `fill` failing removes it at once. */
export async function withHome<T>(
  options: { readonly parent?: string; readonly owner?: RunAs | undefined },
  fill: (home: Home) => Promise<T>,
): Promise<T> {
  const watchdog = Watchdog.acquire();
  let folder: string | undefined;
  try {
    folder = await watchdog.request({
      op: 'folder',
      parent: options.parent ?? tmpdir(),
      ...(options.owner === undefined ? {} : { owner: options.owner }),
    });
    return await fill({ watchdog, folder });
  } catch (error) {
    await leaveHome(watchdog, folder);
    throw error;
  }
}

/** Removes the folder and gives up the watchdog, whatever state either is in. */
export async function leaveHome(watchdog: Watchdog, folder: string | undefined): Promise<void> {
  try {
    if (folder !== undefined) await watchdog.request({ op: 'remove', folder });
  } finally {
    await watchdog.release();
  }
}

/**
 * A running server and all that tests do to it. Its operations run one after the other in the order of the calls.
 *
 * ```
 *              hang          kill
 *    ┌───────┐ ───► ┌──────┐ ───► ┌────────┐          stop, from any
 *    │running│      │ hung │      │ killed │ ─ ─ ─ ─ ─ ─ ─ ─ ─ ► stopped
 *    └───────┘ ◄─── └──────┘      └────────┘
 *     ▲   ▲   resume                │
 *     └───┴──────── restart ────────┘
 * ```
 */
export class ManagedServer implements AsyncDisposable {
  /** TCP port on 127.0.0.1; the same for the server's whole life, restarts included. */
  readonly port: number;
  readonly #name: string;
  readonly #home: Home;
  readonly #specFor: SpecFor;
  #pid: number;
  #state: ServerState = 'running';
  #last: Promise<void> = Promise.resolve();

  protected constructor(name: string, home: Home, specFor: SpecFor, started: { port: number; pid: number }) {
    this.#name = name;
    this.#home = home;
    this.#specFor = specFor;
    this.port = started.port;
    this.#pid = started.pid;
  }

  get state(): ServerState {
    return this.#state;
  }

  /** Process id of the server's first process; another one after a restart. */
  get pid(): number {
    return this.#pid;
  }

  /** Stops the server in order, wakes it for that if it hangs, and removes its files. A second call does nothing. */
  stop(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#state === 'stopped') return;
      this.#state = 'stopped';
      try {
        await this.#signal('stop');
      } finally {
        await leaveHome(this.#home.watchdog, this.#home.folder);
      }
    });
  }

  /** Kills all of the server's processes at one moment (SIGKILL), as a crash would. Its files stay for `restart`. */
  kill(): Promise<void> {
    return this.#inTurn(async () => {
      this.#requireFiles('kill');
      await this.#signal('kill');
      this.#state = 'killed';
    });
  }

  /**
   * Stops all of the server's processes where they are (SIGSTOP): connections stay open, the system still accepts new
   * ones, nothing answers.
   *
   * @throws ServiceStoppedError if it was killed or stopped.
   */
  hang(): Promise<void> {
    return this.#inTurn(async () => {
      this.#requireProcess('hang');
      await this.#signal('hang');
      this.#state = 'hung';
    });
  }

  /** Lets a server that hangs go on; one that runs is left alone. */
  resume(): Promise<void> {
    return this.#inTurn(async () => {
      this.#requireProcess('resume');
      await this.#signal('resume');
      this.#state = 'running';
    });
  }

  /**
   * Stops the server in order if it runs or hangs, and starts it again on the same port with the same files.
   *
   * @throws ServiceStartError if it does not start; it can be tried again.
   */
  restart(): Promise<void> {
    return this.#inTurn(async () => {
      this.#requireFiles('restart');
      await this.#signal('stop');
      this.#state = 'killed';
      this.#pid = await startOnPort(this.#name, this.#home, this.#specFor(this.port), SAME_PORT_ATTEMPTS);
      this.#state = 'running';
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** Runs `operation` after those called before, whether they succeeded or not. */
  #inTurn(operation: () => Promise<void>): Promise<void> {
    const turn = this.#last.then(operation);
    this.#last = turn.catch(() => {});
    return turn;
  }

  async #signal(how: 'stop' | 'kill' | 'hang' | 'resume'): Promise<void> {
    await this.#home.watchdog.request({ op: 'signal', pid: this.#pid, how });
  }

  #requireFiles(method: string): void {
    if (this.#state === 'stopped')
      throw new ServiceStoppedError(`${method}(): ${this.#name} was stopped, its files are removed`);
  }

  #requireProcess(method: string): void {
    this.#requireFiles(method);
    if (this.#state === 'killed')
      throw new ServiceStoppedError(`${method}(): ${this.#name} was killed; restart() it first`);
  }
}

/** Starts on a free port, on another if that one is taken meanwhile. */
export async function startOnFreePort(
  name: string,
  home: Home,
  specFor: SpecFor,
  offsets: readonly number[] = [],
): Promise<{ port: number; pid: number }> {
  for (let attempt = 1; ; attempt++) {
    const port = await choosePort(offsets);
    try {
      return { port, pid: await startOnPort(name, home, specFor(port), 1) };
    } catch (error) {
      if (attempt >= PORT_ATTEMPTS || !isPortTaken(error)) throw error;
    }
  }
}

async function startOnPort(name: string, home: Home, spec: ServerSpec, attempts: number): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    const result = await home.watchdog.request({ op: 'start', spec });
    if (result.ok) return result.pid;
    const error = new ServiceStartError(`${name} (${spec.command}) ${result.reason}`, result.log);
    if (attempt >= attempts || !isPortTaken(error)) throw error;
    await new Promise((resolve) => {
      setTimeout(resolve, SAME_PORT_PAUSE_MS);
    });
  }
}

function isPortTaken(error: unknown): boolean {
  return error instanceof ServiceStartError && PORT_TAKEN.test(error.log);
}
