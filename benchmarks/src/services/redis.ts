import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ServiceOptionError } from './errors.ts';
import { CLUSTER_BUS_OFFSET, LOOPBACK } from './port.ts';
import { findRedis } from './redis-binaries.ts';
import { readRedis, type RedisFacts } from './redis-client.ts';
import { ManagedServer, startOnFreePort, withHome, type Home, type SpecFor } from './server.ts';
import type { StopStep } from './watchdog-protocol.ts';

const READY_TIMEOUT_MS = 30_000;
const STOP: readonly StopStep[] = [{ signal: 'SIGTERM', waitMs: 5_000 }];
/** How fast a cluster's nodes call another one dead; Redis ships with 15 s, too long for a test. */
const CLUSTER_NODE_TIMEOUT_MS = 2_000;

/** What a Redis server is: by itself, a node of a cluster, or a watcher of others. */
export type RedisMode = 'standalone' | 'cluster' | 'sentinel';

export interface RedisOptions {
  /** Default `standalone`. A cluster node has no slots yet: see {@link startRedisCluster}. */
  readonly mode?: RedisMode;
  /**
   * Whether keys survive `restart()` and `kill()`: an append-only file, synced at each write. Default false: nothing is
   * kept on disk, as in a cache.
   */
  readonly durable?: boolean;
  /** More lines of redis.conf, or sentinel.conf; they win over ours: `['maxmemory 64mb', 'maxmemory-policy allkeys-lru']`. */
  readonly config?: readonly string[];
}

/** A Redis of one's own, on 127.0.0.1. See {@link startRedis}. */
export class RedisServer extends ManagedServer {
  /** Connection URL; with a password only if `config` has a `requirepass`. */
  readonly url: string;
  readonly mode: RedisMode;
  /** `redis` or `valkey`. */
  readonly product: string;
  /** As the server tells it: `7.0.15`. */
  readonly version: string;
  /** Where the binary came from. */
  readonly source: string;
  /** What the server answered to CONFIG GET, for the settings that matter to measurements; none of a sentinel. */
  readonly settings: Readonly<Record<string, string>>;

  /** @internal */
  constructor(
    home: Home,
    specFor: SpecFor,
    started: { readonly port: number; readonly pid: number },
    facts: RedisFacts & Pick<RedisServer, 'url' | 'mode' | 'source'>,
  ) {
    super('Redis', home, specFor, started);
    this.url = facts.url;
    this.mode = facts.mode;
    this.product = facts.product;
    this.version = facts.version;
    this.source = facts.source;
    this.settings = facts.settings;
  }
}

function configOf(
  { mode = 'standalone', durable = false, config = [] }: RedisOptions,
  folder: string,
): string {
  const lines = [`bind ${LOOPBACK}`, `dir "${folder}"`, 'daemonize no', 'logfile ""'];
  if (mode !== 'sentinel') {
    lines.push('save ""', `appendonly ${durable ? 'yes' : 'no'}`, ...(durable ? ['appendfsync always'] : []));
    // The wait gathers several replicas for one copy; tests have one and want it now.
    lines.push('repl-diskless-sync-delay 0');
  }
  if (mode === 'cluster') {
    lines.push('cluster-enabled yes', 'cluster-config-file nodes.conf', `cluster-announce-ip ${LOOPBACK}`);
    lines.push(`cluster-node-timeout ${CLUSTER_NODE_TIMEOUT_MS}`);
  }
  return [...lines, ...config, ''].join('\n');
}

function passwordIn(config: readonly string[]): string | undefined {
  const line = config.findLast((each) => /^\s*requirepass\s/i.test(each));
  return line?.trim().split(/\s+/)[1];
}

/**
 * Starts a Redis (or Valkey) of one's own in a private temporary folder, on a free port of 127.0.0.1, and waits until it
 * takes connections: some 100 ms; 4 s more when the binary must first be fetched, once a machine. It is stopped and its
 * files are removed by `stop()`, by `await using` or by the end of this process, whatever ends it.
 *
 * The binary is REDIS_SERVER_BIN, else redis-server or valkey-server on the PATH, else Debian's package, unpacked
 * without root into `~/.cache/hotpath`.
 *
 * @throws ServiceMissingError if there is no binary and none can be fetched.
 * @throws ServiceStartError if the server does not start, with the end of its log.
 *
 * @example
 * await using redis = await startRedis({ config: ['maxmemory 16mb'] });
 * const client = new Redis(redis.url);
 */
export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  const { mode = 'standalone', config = [] } = options;
  const broken = config.find((line) => line.includes('\n'));
  if (broken !== undefined)
    throw new ServiceOptionError(`config: expected one setting a line, got ${JSON.stringify(broken)}`);
  const binary = await findRedis();
  return await withHome({}, async (home) => {
    const file = join(home.folder, `${mode}.conf`);
    writeFileSync(file, configOf(options, home.folder));
    const specFor: SpecFor = (port) => ({
      command: binary.command,
      args: [file, '--port', String(port), ...(mode === 'sentinel' ? ['--sentinel'] : [])],
      env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C', TZ: 'UTC', ...binary.env },
      cwd: home.folder,
      folder: home.folder,
      ready: mode === 'sentinel' ? 'Sentinel ID is' : '[Rr]eady to accept connections',
      readyTimeoutMs: READY_TIMEOUT_MS,
      stop: STOP,
      abandon: [],
    });
    const offsets = mode === 'cluster' ? [CLUSTER_BUS_OFFSET] : [];
    const started = await startOnFreePort('Redis', home, specFor, offsets);
    const password = passwordIn(config);
    const login = password === undefined ? '' : `:${encodeURIComponent(password)}@`;
    const url = `redis://${login}${LOOPBACK}:${started.port}`;
    const facts = await readRedis(url);
    return new RedisServer(home, specFor, started, { url, mode, source: binary.source, ...facts });
  });
}
