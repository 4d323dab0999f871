import { execFileSync } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import { constants } from 'node:os';
import { basename } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { UsageError } from './arguments.ts';
import type { Command } from './arguments.ts';
import { InspectorClient } from './inspector-client.ts';
import { listeningPorts } from './listening-ports.ts';
import { CommandError, finishCpu, prepareOutput, writeOutput } from './output.ts';

const OPENING_MS = 5000;
/** A thread in a call that it does not come back from soon opens its inspector afterwards, and then nobody would close it. */
const BUSY_MS = 120_000;
const LOOK_EVERY_MS = 50;
const ANSWER_MS = 5000;
const CLOSING_MS = 1000;

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Profiles a running Node process through its inspector, which is opened for that, and closed again, where it is not
 * open yet.
 *
 * @throws {CommandError} why it cannot be done; the process goes on in any case.
 */
export async function attach(command: Command): Promise<number> {
  const pid = pidOf(command.target);
  mayReach(pid);
  if (typeof WebSocket === 'undefined') {
    throw new CommandError(
      `attach needs a Node with a WebSocket client, 22 or later, and this is ${process.version}; use run, or node --cpu-prof`,
    );
  }
  const base = prepareOutput(command.out, 'cpu', new Date());
  const early = new AbortController();
  const end = (): void => early.abort();
  // From here on an inspector may be open that is to be closed again.
  for (const signal of SIGNALS) process.once(signal, end);
  const { client, isOurs } = await openInspector(pid, command.port, early.signal);
  try {
    const profile = await profileOf(client, command, early);
    writeOutput(`${base}.cpuprofile`, JSON.stringify(profile));
  } finally {
    if (isOurs) await closeInspector(client);
    client.close();
    for (const signal of SIGNALS) process.off(signal, end);
  }
  process.stdout.write(await finishCpu(base, `process ${pid}`, command.top));
  return 0;
}

function pidOf(target: string): number {
  const pid = Number(target);
  if (!/^\d+$/.test(target) || !Number.isSafeInteger(pid) || pid === 0) {
    throw new UsageError(`attach: expected the id of a process, got ${JSON.stringify(target)}`);
  }
  return pid;
}

function mayReach(pid: number): void {
  if (pid === process.pid) throw new CommandError('attach: that is this command itself');
  try {
    process.kill(pid, 0);
  } catch (error) {
    const isThere = (error as NodeJS.ErrnoException).code === 'EPERM';
    throw new CommandError(
      isThere ? `no permission to profile process ${pid}` : `there is no process ${pid}`,
    );
  }
  const program = programOf(pid);
  // The signal that opens Node's inspector ends any other program.
  if (program === undefined || !/^node(js)?\b/i.test(program)) {
    throw new CommandError(`process ${pid} is ${program ?? 'unknown'}, not node`);
  }
}

function programOf(pid: number): string | undefined {
  try {
    if (process.platform === 'linux') return basename(readlinkSync(`/proc/${pid}/exe`));
    return basename(execFileSync('ps', ['-p', String(pid), '-o', 'comm='], { encoding: 'utf8' }).trim());
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EACCES') {
      throw new CommandError(`no permission to profile process ${pid}`);
    }
    return undefined;
  }
}

interface Opened {
  readonly client: InspectorClient;
  /** Whether it was opened for us. */
  readonly isOurs: boolean;
}

async function openInspector(pid: number, port: number, early: AbortSignal): Promise<Opened> {
  const status = statusOf(pid);
  // It would open its inspector when it goes on, and nobody would close it.
  if (/^State:\s*t/im.test(status)) throw new CommandError(`process ${pid} is stopped; continue it first`);
  const open = await connect(pid, port, false);
  if (open !== undefined) return { client: open, isOurs: false };
  if (!hearsSignal(status, constants.signals.SIGUSR1)) {
    throw new CommandError(
      `process ${pid} does not let a signal open its inspector (--disable-sigusr1); start it with --inspect`,
    );
  }
  const others = listeningPorts(pid);
  process.kill(pid, 'SIGUSR1');
  const begunMs = performance.now();
  let isTold = false;
  while (performance.now() - begunMs < BUSY_MS && !(isTold && early.aborted)) {
    await delay(LOOK_EVERY_MS);
    // It opens where the process was told to, which need not be where we were.
    const opened = [...listeningPorts(pid)].filter((listening) => !others.has(listening));
    for (const candidate of new Set([port, ...opened])) {
      const client = await connect(pid, candidate, true);
      if (client !== undefined) return { client, isOurs: true };
    }
    if (isTold || performance.now() - begunMs < OPENING_MS) continue;
    isTold = true;
    process.stderr.write(
      `process ${pid} has not opened its inspector yet: it is busy, or opens it elsewhere (--port); waiting, Ctrl-C gives up\n`,
    );
  }
  throw new CommandError(
    `the inspector of process ${pid} did not open on port ${port}; when the process is less busy it opens, and stays open`,
  );
}

/** What Linux tells of a process; other systems nothing. */
function statusOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch {
    return '';
  }
}

/** Whether the process has a handler for it: one without is ended by it. Where the system does not tell, it is taken to have. */
function hearsSignal(status: string, signal: number): boolean {
  const caught = /^SigCgt:\s*([\da-f]+)/m.exec(status)?.[1];
  return caught === undefined || ((BigInt(`0x${caught}`) >> BigInt(signal - 1)) & 1n) === 1n;
}

/**
 * The inspector at the port, if it is that of the process; `undefined` where nothing listens.
 *
 * @param isOurs whether one that does not answer is to be closed when it does.
 */
async function connect(pid: number, port: number, isOurs: boolean): Promise<InspectorClient | undefined> {
  const url = await debuggerUrl(port);
  if (url === undefined) return undefined;
  const client = await InspectorClient.connect(url, ANSWER_MS);
  const answer = client.post('Runtime.evaluate', { expression: 'process.pid', returnByValue: true });
  const answered = new AbortController();
  // Another thread of it has opened the connection; its own may be in a call that never ends.
  const late = delay(ANSWER_MS, undefined, { signal: answered.signal }).then(() => {
    // It hears what it was sent, in this order, when it comes back.
    if (isOurs) void askToClose(client).catch(() => {});
    client.close();
    throw new CommandError(
      `the inspector on port ${port} does not answer: its process is stopped or blocked`,
    );
  });
  const reply = await Promise.race([answer, late]).finally(() => answered.abort());
  const { value } = reply['result'] as { readonly value?: unknown };
  if (value === pid) return client;
  client.close();
  throw new CommandError(
    `port ${port} has the inspector of process ${String(value)}: give that of ${pid} with --port`,
  );
}

async function debuggerUrl(port: number): Promise<string | undefined> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/json/list`, {
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    const [first] = (await response.json()) as { readonly webSocketDebuggerUrl?: string }[];
    return first?.webSocketDebuggerUrl;
  } catch {
    return undefined;
  }
}

async function profileOf(
  client: InspectorClient,
  command: Command,
  early: AbortController,
): Promise<unknown> {
  // A process that exits waits for us, and tells: its profile can still be read.
  client.onEvent = (method) => {
    if (method === 'NodeRuntime.waitingForDisconnect') early.abort();
  };
  void client.closed.then(() => early.abort());
  await client.post('NodeRuntime.notifyWhenWaitingForDisconnect', { enabled: true });
  await client.post('Profiler.enable');
  await client.post('Profiler.setSamplingInterval', { interval: command.intervalUs });
  await client.post('Profiler.start');
  process.stderr.write(
    `profiling process ${command.target} for ${command.durationMs / 1000} s; Ctrl-C ends it\n`,
  );
  await delay(command.durationMs, undefined, { signal: early.signal }).catch(() => {});
  const { profile } = await client.post('Profiler.stop');
  return profile;
}

/**
 * Soon, because closing waits until we are gone. By the `require` that the inspector has: older Nodes have no
 * `process.getBuiltinModule`, and what is thrown in a timer would end the process.
 */
function askToClose(client: InspectorClient): Promise<unknown> {
  const expression =
    "{ const inspector = require('inspector'); setTimeout(() => inspector.close(), 200).unref(); }";
  return client.post('Runtime.evaluate', { expression, includeCommandLineAPI: true });
}

async function closeInspector(client: InspectorClient): Promise<void> {
  await Promise.race([askToClose(client).catch(() => {}), delay(CLOSING_MS)]);
}
