/**
 * Runs one service as a process of its own, until SIGTERM.
 *
 *   node serve.js '{"variant":"optimised","port":3000,"config":{"databaseUrl":…,"redisUrl":…,"accessLog":…}}'
 *
 * With an IPC channel it says `{ port }` when it is ready, and answers each message with its {@link Usage} since the one
 * before, measured from outside the service and alike for every variant.
 */

import { monitorEventLoopDelay } from 'node:perf_hooks';
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
}

/** Ready, or why not. */
export type ServeMessage = { readonly port: number } | { readonly failure: string } | Usage;

const DELAY_RESOLUTION_MS = 10;
const RSS_EVERY_MS = 100;

function tellUsage(): void {
  const delays = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION_MS });
  delays.enable();
  let since = process.cpuUsage();
  let peakRssBytes = 0;
  setInterval(() => {
    peakRssBytes = Math.max(peakRssBytes, process.memoryUsage.rss());
  }, RSS_EVERY_MS).unref();
  process.on('message', () => {
    const { user, system } = process.cpuUsage(since);
    const rssBytes = process.memoryUsage.rss();
    const usage: Usage = {
      cpuMicros: user + system,
      rssBytes,
      peakRssBytes: Math.max(peakRssBytes, rssBytes),
      eventLoopDelayMsP99: Math.max(0, delays.percentile(99) / 1e6 - DELAY_RESOLUTION_MS),
    };
    since = process.cpuUsage();
    peakRssBytes = 0;
    delays.reset();
    process.send?.(usage);
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
  tellUsage();
  process.send?.({ port: listening } satisfies ServeMessage);
}

main().catch((error: unknown) => {
  const failure = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  process.stderr.write(`${failure}\n`);
  process.exitCode = 1;
  // Also ends what the channel keeps alive, once the message is out.
  if (process.connected) process.send?.({ failure } satisfies ServeMessage, () => process.disconnect());
});
