/**
 * Runs one service as a process of its own, until SIGTERM.
 *
 *   node serve.js '{"variant":"optimised","port":3000,"config":{"databaseUrl":…,"redisUrl":…,"accessLog":…}}'
 *
 * With an IPC channel it says `{ port }` when it is ready, and answers `usage` with its {@link Usage} since the one before
 * and `held` with what its heap {@link Held holds}, both measured from outside the service and alike for every variant.
 */

import { readFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { HeapKind } from '@hotpath/profile';
import { assembleService, type Service } from './service.ts';
import type { ServiceConfig } from './parts.ts';
import { PARTS, type VariantName } from './variants.ts';

export interface ServeOptions {
  readonly variant: VariantName;
  /** 0 for a free one. */
  readonly port: number;
  readonly config: ServiceConfig;
}

/** What a service took since the last time it was asked. */
export interface Usage {
  readonly cpuMicros: number;
  readonly rssBytes: number;
  readonly peakRssBytes: number;
  readonly eventLoopDelayMsP99: number;
  /** Of the resident memory, what is mapped from files: Node's own code. 0 where the system does not tell. */
  readonly fileBytes: number;
  /** V8's heap, with what it has yet to collect. */
  readonly heapBytes: number;
}

/** What the heap holds after a collection, by a snapshot. */
export interface Held {
  readonly bytes: number;
  /** The largest first. */
  readonly kinds: readonly HeapKind[];
}

/** What a service is asked. */
export type Question = 'usage' | 'held';

/** Ready, or why not, or an answer. */
export type ServeMessage = { readonly port: number } | { readonly failure: string } | Usage | Held;

const DELAY_RESOLUTION_MS = 10;
const RSS_EVERY_MS = 100;
const KINDS_TOLD = 10;

/** Resident pages of files, in bytes. */
function fileBytes(): number {
  if (process.platform !== 'linux') return 0;
  return 1024 * Number(/^RssFile:\s*(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? 0);
}

/** Loaded when asked for, so that it is in no figure. */
async function held(): Promise<Held> {
  const { heapSnapshot } = await import('@hotpath/profile');
  const { selfBytes, kinds } = await heapSnapshot();
  return {
    bytes: selfBytes,
    kinds: kinds.toSorted((a, b) => b.selfBytes - a.selfBytes).slice(0, KINDS_TOLD),
  };
}

function answerQuestions(): void {
  const delays = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION_MS });
  delays.enable();
  let since = process.cpuUsage();
  let peakRssBytes = 0;
  setInterval(() => {
    peakRssBytes = Math.max(peakRssBytes, process.memoryUsage.rss());
  }, RSS_EVERY_MS).unref();
  const usage = (): Usage => {
    const { user, system } = process.cpuUsage(since);
    const rssBytes = process.memoryUsage.rss();
    const found: Usage = {
      cpuMicros: user + system,
      rssBytes,
      peakRssBytes: Math.max(peakRssBytes, rssBytes),
      eventLoopDelayMsP99: Math.max(0, delays.percentile(99) / 1e6 - DELAY_RESOLUTION_MS),
      fileBytes: fileBytes(),
      heapBytes: process.memoryUsage().heapTotal,
    };
    since = process.cpuUsage();
    peakRssBytes = 0;
    delays.reset();
    return found;
  };
  process.on('message', (question: Question) => {
    if (question === 'usage') process.send?.(usage());
    else void held().then((found) => process.send?.(found));
  });
  // Whoever started this process has ended.
  process.on('disconnect', () => {
    process.exit(0);
  });
}

/** Closes the service at the first SIGTERM or SIGINT; at the second the process ends as it stands. */
function closeOnSignal(service: Service): void {
  const close = (): void => {
    // What still holds the loop after a close is a leak: it is not to keep the process.
    service.close().then(
      () => process.exit(0),
      (error: unknown) => {
        process.emitWarning(error as Error);
        process.exit(1);
      },
    );
  };
  process.once('SIGTERM', close).once('SIGINT', close);
}

async function main(): Promise<void> {
  const { variant, port, config } = JSON.parse(process.argv[2] ?? '{}') as ServeOptions;
  const load = PARTS[variant];
  if (load === undefined) throw new TypeError(`variant: expected one of ${Object.keys(PARTS).join(', ')}`);
  const makeParts = await load();
  const service = assembleService(makeParts(config));
  closeOnSignal(service);
  const listening = await service.listen(port);
  answerQuestions();
  process.send?.({ port: listening } satisfies ServeMessage);
}

main().catch((error: unknown) => {
  const failure = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  process.stderr.write(`${failure}\n`);
  process.exitCode = 1;
  // Also ends what the channel keeps alive, once the message is out.
  if (process.connected) process.send?.({ failure } satisfies ServeMessage, () => process.disconnect());
});
