/**
 * The watchdog: a small process of its own, the parent of every server that the launcher starts.
 *
 * ```
 *   launcher ──(IPC channel)── watchdog ──┬── postgres ── its backends
 *   (tests, benchmarks)        detached   └── redis-server
 * ```
 *
 * The servers' lives hang on the channel: however the launcher ends, by exit, exception, signal or SIGKILL, the system
 * closes its end, and the watchdog stops the servers, removes their folders and ends too. It spawns the servers and
 * makes the folders itself, so at no moment is there one that it does not know. It runs in a session of its own: a
 * Ctrl-C at the terminal reaches the launcher alone, which can still use its servers while it winds down.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { chownSync, mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { freezeTree, isRunning, killTree, signal, thawTree } from './process-tree.ts';
import type {
  Answers,
  CommandSpec,
  Envelope,
  Reply,
  Request,
  RunResult,
  ServerSpec,
  StartResult,
  StopStep,
} from './watchdog-protocol.ts';

/** The end of a server's output that is kept for error messages. */
const LOG_TAIL_CHARS = 4096;
const RUN_OUTPUT_CHARS = 1 << 20;
const SWEEP_TIMEOUT_MS = 15_000;
/** After the exit of a process the rest of its output is there at once, if it comes at all. */
const OUTPUT_GRACE_MS = 1_000;
const GONE_POLL_MS = 5;
const GONE_TIMEOUT_MS = 5_000;

interface Child {
  readonly process: ChildProcess;
  readonly pid: number;
  readonly exited: Promise<void>;
  /** Undefined for a command that runs to its end. */
  readonly server: ServerSpec | undefined;
  hasExited: boolean;
  /** The end of the output, both streams. */
  log: string;
}

const children = new Map<number, Child>();
/** Folders to remove, each with the command that must run before. */
const folders = new Map<string, CommandSpec | undefined>();
/** Processes of the launcher's own, killed with it. */
const adopted = new Set<number>();
let ending: Promise<void> | undefined;

function send(reply: Reply): void {
  if (process.connected) process.send?.(reply, () => {});
}

/** Spawns, and keeps count; resolves to an error's message when the command cannot be run at all. */
function spawnChild(spec: CommandSpec, server?: ServerSpec): Promise<Child | string> {
  return new Promise((resolve) => {
    const spawned = spawn(spec.command, spec.args, {
      cwd: spec.cwd,
      env: spec.env,
      stdio: ['ignore', 'pipe', 'pipe'],
      ...spec.user,
    });
    spawned.once('error', (error) => {
      resolve(error.message);
    });
    const { pid } = spawned;
    if (pid === undefined) return;
    const child: Child = {
      process: spawned,
      pid,
      server,
      hasExited: false,
      log: '',
      exited: new Promise((exited) => {
        const ended = (): void => {
          if (child.hasExited) return;
          child.hasExited = true;
          children.delete(pid);
          if (server !== undefined && spawned.signalCode !== null) folders.set(server.folder, server.sweep);
          if (server !== undefined) send({ exited: pid });
          exited();
        };
        spawned.once('close', ended);
        // Its output is complete at 'close', which waits for whoever inherited it: a backend may outlive its server.
        spawned.once('exit', () => {
          setTimeout(ended, OUTPUT_GRACE_MS);
        });
      }),
    };
    children.set(pid, child);
    for (const stream of [spawned.stdout, spawned.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        child.log = (child.log + text).slice(-LOG_TAIL_CHARS);
      });
    }
    resolve(child);
  });
}

async function run(spec: CommandSpec, timeoutMs: number): Promise<RunResult> {
  const child = await spawnChild(spec);
  if (typeof child === 'string') return { code: null, stdout: '', stderr: child };
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child.process[name]?.on('data', (text: string) => {
      output[name] = (output[name] + text).slice(-RUN_OUTPUT_CHARS);
    });
  }
  const timer = setTimeout(() => {
    output.stderr += `\n(killed after ${timeoutMs} ms)`;
    killTree(child.pid);
  }, timeoutMs);
  await child.exited;
  clearTimeout(timer);
  return { code: child.process.exitCode, ...output };
}

async function start(spec: ServerSpec): Promise<StartResult> {
  const child = await spawnChild(spec, spec);
  if (typeof child === 'string') return { ok: false, reason: child, log: '' };
  const isReady = new RegExp(spec.ready);
  const outcome = await new Promise<'ready' | 'exited' | 'timeout'>((resolve) => {
    const timer = setTimeout(resolve, spec.readyTimeoutMs, 'timeout');
    const look = (): void => {
      if (!isReady.test(child.log)) return;
      clearTimeout(timer);
      for (const stream of [child.process.stdout, child.process.stderr]) stream?.off('data', look);
      resolve('ready');
    };
    for (const stream of [child.process.stdout, child.process.stderr]) stream?.on('data', look);
    look();
    void child.exited.then(() => {
      clearTimeout(timer);
      resolve('exited');
    });
  });
  if (outcome === 'ready') {
    folders.set(spec.folder, undefined);
    return { ok: true, pid: child.pid };
  }
  const { log } = child;
  if (outcome === 'exited') {
    const how = child.process.signalCode ?? `code ${child.process.exitCode}`;
    return { ok: false, reason: `ended with ${how} before it was ready`, log };
  }
  await kill(child);
  return { ok: false, reason: `was not ready after ${spec.readyTimeoutMs} ms`, log };
}

/** True if it ended within the time. */
function endedWithin(child: Child, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, timeoutMs, false);
    void child.exited.then(() => {
      clearTimeout(timer);
      resolve(true);
    });
  });
}

/** Kills the whole tree and waits until the last of it is gone: what is left of a backend would stop a new start. */
async function kill(child: Child): Promise<void> {
  if (child.hasExited) return;
  const members = killTree(child.pid);
  await child.exited;
  const deadline = performance.now() + GONE_TIMEOUT_MS;
  while (members.some(isRunning) && performance.now() < deadline) {
    await new Promise((resolve) => {
      setTimeout(resolve, GONE_POLL_MS);
    });
  }
}

async function stop(child: Child, steps: readonly StopStep[]): Promise<void> {
  if (child.hasExited) return;
  thawTree(child.pid);
  for (const { signal: name, waitMs } of steps) {
    signal(child.pid, name);
    if (await endedWithin(child, waitMs)) return;
  }
  await kill(child);
}

async function signalServer(pid: number, how: (Request & { op: 'signal' })['how']): Promise<void> {
  const child = children.get(pid);
  if (child === undefined) return; // ended by itself: nothing is left to do
  if (how === 'stop') await stop(child, child.server?.stop ?? []);
  else if (how === 'kill') await kill(child);
  else if (how === 'hang') freezeTree(pid);
  else thawTree(pid);
}

async function remove(folder: string): Promise<void> {
  const inside = [...children.values()].filter(({ server }) => server?.folder === folder);
  await Promise.all(inside.map((child) => stop(child, child.server?.abandon ?? [])));
  const sweep = folders.get(folder);
  if (sweep !== undefined) await run(sweep, SWEEP_TIMEOUT_MS);
  await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  folders.delete(folder);
}

function makeFolder(request: Request & { op: 'folder' }): string {
  const folder = mkdtempSync(join(request.parent, 'hotpath-'));
  folders.set(folder, undefined);
  if (request.owner !== undefined) chownSync(folder, request.owner.uid, request.owner.gid);
  return folder;
}

const HANDLERS: { readonly [Op in keyof Answers]: (request: Request & { op: Op }) => Promise<Answers[Op]> } =
  {
    folder: async (request) => makeFolder(request),
    remove: async ({ folder }) => {
      await remove(folder);
      return null;
    },
    run: ({ spec, timeoutMs }) => run(spec, timeoutMs),
    start: ({ spec }) => start(spec),
    adopt: async ({ pid, alive }) => {
      if (alive) adopted.add(pid);
      else adopted.delete(pid);
      return null;
    },
    signal: async ({ pid, how }) => {
      await signalServer(pid, how);
      return null;
    },
  };

async function answer(request: Request): Promise<Answers[keyof Answers]> {
  return await HANDLERS[request.op](request as never);
}

/** Ends everything, once: the launcher is gone, or somebody ends the watchdog itself. */
function end(): Promise<void> {
  ending ??= (async () => {
    for (const pid of adopted) killTree(pid);
    // A request under way may spawn another child after its first is gone: go on until there is none.
    while (children.size > 0) {
      await Promise.all([...children.values()].map((child) => stop(child, child.server?.abandon ?? [])));
    }
    await Promise.allSettled([...folders.keys()].map(remove));
    process.exit(0);
  })();
  return ending;
}

process.on('message', (envelope: Envelope) => {
  if (ending !== undefined) return;
  answer(envelope).then(
    (value) => {
      send({ id: envelope.id, answer: value });
    },
    (error: unknown) => {
      send({ id: envelope.id, failure: error instanceof Error ? error.message : String(error) });
    },
  );
});
process.on('disconnect', () => void end());
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP', 'uncaughtException', 'unhandledRejection']) {
  process.on(name, () => void end());
}
