/**
 * The service as several processes behind one port. Their caches stay coherent through Redis: a change that one of them
 * has acknowledged is gone from the memory of the others as soon as its message is there.
 *
 *   node cluster.js '{"variant":"optimised","port":3000,"workers":4,"config":{…}}'
 *
 * A worker that dies is replaced, but not more than once in {@link RESTART_AFTER_MS}. SIGTERM closes all of them gracefully.
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
  cluster.on('message', (_worker: Worker, message: ServeMessage) => {
    if ('failure' in message) {
      closing = true;
      process.exitCode = 1;
      process.send?.(message);
      for (const worker of Object.values(cluster.workers ?? {})) worker?.kill();
    }
    if (!('port' in message)) return;
    ready++;
    port ??= message.port;
    if (ready === workers) process.send?.({ port } satisfies ServeMessage);
    // One after the other: the first fills Redis, the others read what is there.
    if (ready < workers) cluster.fork();
  });
  cluster.on('exit', () => {
    const left = Object.keys(cluster.workers ?? {}).length;
    if (closing && left === 0) process.exit();
    if (!closing && ready >= workers) setTimeout(() => cluster.fork(), RESTART_AFTER_MS);
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
