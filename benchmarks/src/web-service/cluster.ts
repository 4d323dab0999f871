/**
 * The service as several processes behind one port. Their caches stay coherent through Redis: a change that one of them
 * has acknowledged is gone from the memory of the others as soon as its message is there.
 *
 *   node cluster.js '{"variant":"optimised","port":3000,"workers":4,"config":{…}}'
 *
 * A worker that dies later is replaced after {@link RESTART_AFTER_MS}, and again until it comes up. SIGTERM closes all of them gracefully.
 */

import cluster, { type Worker } from 'node:cluster';
import { fileURLToPath } from 'node:url';
import { availableParallelism } from 'node:os';
import type { ServeMessage, ServeOptions } from './serve.ts';

const RESTART_AFTER_MS = 500;

export interface ClusterOptions extends ServeOptions {
  /** Default: as many as there are cores. */
  readonly workers?: number;
}

function main(): void {
  const { workers = availableParallelism(), ...options } = JSON.parse(
    process.argv[2] ?? '{}',
  ) as ClusterOptions;
  if (!Number.isInteger(workers) || workers < 1)
    throw new RangeError(`workers: expected 1 or more, got ${workers}`);
  let closing = false;
  let ready = 0;
  let port: number | undefined;

  cluster.setupPrimary({
    exec: fileURLToPath(new URL('serve.js', import.meta.url)),
    // Port 0 too is the same one for all: they share the primary's socket.
    args: [JSON.stringify(options)],
    serialization: 'advanced',
  });
  /** Of the start only: whoever started this is waiting, and is told. */
  const fail = (failure: string): void => {
    closing = true;
    process.exitCode = 1;
    process.send?.({ failure } satisfies ServeMessage);
    for (const worker of Object.values(cluster.workers ?? {})) worker?.kill();
  };
  cluster.on('message', (_worker: Worker, message: ServeMessage) => {
    if ('failure' in message && ready < workers && !closing) fail(message.failure);
    if (!('port' in message)) return;
    ready++;
    port ??= message.port;
    if (ready === workers) process.send?.({ port } satisfies ServeMessage);
    // One after the other: the first fills Redis, the others read what is there.
    if (ready < workers) cluster.fork();
  });
  cluster.on('exit', () => {
    if (!closing && ready < workers) fail('a worker ended before it was ready');
    if (closing) {
      if (Object.keys(cluster.workers ?? {}).length === 0) process.exit();
      return;
    }
    // One that cannot come back while Postgres is away, say, is tried again: the others go on.
    setTimeout(() => {
      if (!closing) cluster.fork();
    }, RESTART_AFTER_MS);
  });
  const close = (): void => {
    closing = true;
    const workersLeft = Object.values(cluster.workers ?? {});
    if (workersLeft.length === 0) process.exit();
    for (const worker of workersLeft) worker?.process.kill('SIGTERM');
  };
  process.once('SIGTERM', close).once('SIGINT', close);
  process.on('disconnect', close);
  cluster.fork();
}

main();
