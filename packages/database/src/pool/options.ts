import { availableParallelism } from 'node:os';
import type { ConnectionOptions as TlsOptions } from 'node:tls';
import { ArgumentRangeError, invalidType } from '../errors.ts';

/** A clock with timers, so that tests decide what time it is. */
export interface Clock {
  /** Milliseconds from any origin; never goes back. */
  now(): number;
  setTimeout(callback: () => void, delayMs: number): unknown;
  clearTimeout(timer: unknown): void;
}

/** Finds the parser of a type, as `pg.types` does. */
export interface TypeParsers {
  getTypeParser(oid: number, format: 'text'): (text: string) => unknown;
}

/** Where the server is, and who connects. What is left out comes from the `PG*` variables, as everywhere in Postgres. */
export interface ConnectOptions {
  /** `postgres://user:password@host:port/database?sslmode=…`; what it says wins over the other fields, what it leaves open they say. */
  readonly connectionString?: string | undefined;
  /** A name, an address, or the folder of a Unix socket. */
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly user?: string | undefined;
  /** The password, or a function that gives one for each new connection (tokens of a cloud). */
  readonly password?: string | (() => string | Promise<string>) | undefined;
  readonly database?: string | undefined;
  /** `true` checks the certificate against the system's authorities. */
  readonly ssl?: boolean | TlsOptions | undefined;
  /** Shown in `pg_stat_activity`. */
  readonly applicationName?: string | undefined;
  /** Time for a connection to be opened and signed in, in milliseconds; 1 or more. Default 10,000. */
  readonly connectTimeoutMs?: number | undefined;
}

/** Options of {@link createDatabase}. */
export interface DatabaseOptions extends ConnectOptions {
  /** Most connections, 1 to 10,000. Default 20. */
  readonly max?: number | undefined;
  /** Connections that are opened ahead, by `warm()` or the first use, and kept; 0 to `max`. Default 5, or `max` if less. */
  readonly min?: number | undefined;
  /**
   * Connections at a time that reads share, pipelined: 0 to `max`; 0 gives each statement a connection of its own. Only prepared
   * statements that do nothing but read share, and none with a signal or a time limit. Default: the machine's cores, 2 to 4.
   */
  readonly lanes?: number | undefined;
  /** Time to wait for a free connection, in milliseconds; 1 or more. Default 30,000. */
  readonly acquireTimeoutMs?: number | undefined;
  /** Most callers that wait for a connection; the next one fails at once; 1 or more. Default 10,000. */
  readonly maxWaiters?: number | undefined;
  /** A connection beyond `min` that was idle this long is closed; milliseconds. Default 600,000. */
  readonly idleTimeoutMs?: number | undefined;
  /** A connection this old is closed when it is free; milliseconds. Default 1,800,000. */
  readonly maxLifetimeMs?: number | undefined;
  /** A connection's own lifetime is shorter by a random part of this share, so that they do not all end at once; 0 to 1. Default 0.1. */
  readonly lifetimeJitter?: number | undefined;
  /** A connection idle this long is asked for a sign of life before it is lent; milliseconds. Default 30,000. */
  readonly checkAfterIdleMs?: number | undefined;
  /** Time for that sign, in milliseconds. Default 2,000. */
  readonly checkTimeoutMs?: number | undefined;
  /** After a failure to connect, the first pause before the next attempt, in milliseconds; it doubles, with jitter. Default 50. */
  readonly reconnectMinMs?: number | undefined;
  /** The longest such pause. Default 5,000. */
  readonly reconnectMaxMs?: number | undefined;
  /** Time for a statement, in milliseconds; 0 is no limit. Default 0. */
  readonly queryTimeoutMs?: number | undefined;
  /** A connection whose cancel or clean-up was not confirmed within this time is destroyed; milliseconds. Default 5,000. */
  readonly cancelGraceMs?: number | undefined;
  /** Prepared statements kept on each connection, 0 to 100,000; 0 prepares none. Default 100. */
  readonly statementCacheSize?: number | undefined;
  /** Parsers of result values. Default: those of `pg`. */
  readonly types?: TypeParsers | undefined;
  /** Default: the monotonic clock and unref'd timers of Node. */
  readonly clock?: Clock | undefined;
  /** Jitter's source: a number from 0 to below 1. Default `Math.random`. */
  readonly random?: (() => number) | undefined;
}

/** Options with every default filled in; the core accepts only this. */
export interface ResolvedOptions {
  /** The internals of `pg` are not as expected: only its published queries are used (see pg-internals.ts). */
  readonly plain: boolean;
  readonly connect: ConnectOptions;
  readonly connectTimeoutMs: number;
  readonly max: number;
  readonly min: number;
  readonly lanes: number;
  readonly acquireTimeoutMs: number;
  readonly maxWaiters: number;
  readonly idleTimeoutMs: number;
  readonly maxLifetimeMs: number;
  readonly lifetimeJitter: number;
  readonly checkAfterIdleMs: number;
  readonly checkTimeoutMs: number;
  readonly reconnectMinMs: number;
  readonly reconnectMaxMs: number;
  readonly queryTimeoutMs: number;
  readonly cancelGraceMs: number;
  readonly statementCacheSize: number;
  readonly types: TypeParsers | undefined;
  readonly clock: Clock;
  readonly random: () => number;
}

/** The longest delay a Node timer can hold. */
const MAX_DELAY_MS = 2 ** 31 - 1;

const CLOCK_METHODS = ['now', 'setTimeout', 'clearTimeout'] as const;

const NAMES: ReadonlySet<string> = new Set([
  'connectionString',
  'host',
  'port',
  'user',
  'password',
  'database',
  'ssl',
  'applicationName',
  'connectTimeoutMs',
  'max',
  'min',
  'lanes',
  'acquireTimeoutMs',
  'maxWaiters',
  'idleTimeoutMs',
  'maxLifetimeMs',
  'lifetimeJitter',
  'checkAfterIdleMs',
  'checkTimeoutMs',
  'reconnectMinMs',
  'reconnectMaxMs',
  'queryTimeoutMs',
  'cancelGraceMs',
  'statementCacheSize',
  'types',
  'clock',
  'random',
]);

/**
 * Checks options and fills in the defaults.
 *
 * @throws {ArgumentTypeError} for a field of the wrong type or an unknown one.
 * @throws {ArgumentRangeError} for a number out of its range.
 */
export function resolveOptions(options: DatabaseOptions, clock: Clock, plain = false): ResolvedOptions {
  checkOptionsObject(options);
  for (const name of Object.keys(options)) {
    if (!NAMES.has(name)) throw invalidType(`options.${name}`, 'no such option', options[name as never]);
  }
  text('connectionString', options.connectionString);
  text('host', options.host);
  text('user', options.user);
  text('database', options.database);
  text('applicationName', options.applicationName);
  if (options.port !== undefined) integer('port', options.port, 0, 1, 65_535);
  const { password, ssl, types, random } = options;
  if (password !== undefined && typeof password !== 'string' && typeof password !== 'function') {
    throw invalidType('password', 'a string or a function', password);
  }
  if (ssl !== undefined && typeof ssl !== 'boolean' && (typeof ssl !== 'object' || ssl === null)) {
    throw invalidType('ssl', 'a boolean or an object', ssl);
  }
  if (types !== undefined && typeof types?.getTypeParser !== 'function') {
    throw invalidType('types', 'an object with getTypeParser()', types);
  }
  if (random !== undefined && typeof random !== 'function') throw invalidType('random', 'a function', random);
  const given = options.clock;
  if (given !== undefined && CLOCK_METHODS.some((name) => typeof given?.[name] !== 'function')) {
    throw invalidType('clock', 'an object with now(), setTimeout() and clearTimeout()', given);
  }
  const max = integer('max', options.max, 20, 1, 10_000);
  const reconnectMinMs = delay('reconnectMinMs', options.reconnectMinMs, 50, 1);
  const lanes = integer(
    'lanes',
    options.lanes,
    Math.min(max, 4, Math.max(2, availableParallelism())),
    0,
    max,
  );
  return {
    plain,
    connect: options,
    connectTimeoutMs: delay('connectTimeoutMs', options.connectTimeoutMs, 10_000, 1),
    max,
    min: integer('min', options.min, Math.min(5, max), 0, max),
    lanes: plain ? 0 : lanes,
    acquireTimeoutMs: delay('acquireTimeoutMs', options.acquireTimeoutMs, 30_000, 1),
    maxWaiters: integer('maxWaiters', options.maxWaiters, 10_000, 1, 10_000_000),
    idleTimeoutMs: delay('idleTimeoutMs', options.idleTimeoutMs, 600_000, 1),
    maxLifetimeMs: delay('maxLifetimeMs', options.maxLifetimeMs, 1_800_000, 1),
    lifetimeJitter: share('lifetimeJitter', options.lifetimeJitter, 0.1),
    checkAfterIdleMs: delay('checkAfterIdleMs', options.checkAfterIdleMs, 30_000, 0),
    checkTimeoutMs: delay('checkTimeoutMs', options.checkTimeoutMs, 2_000, 1),
    reconnectMinMs,
    reconnectMaxMs: delay(
      'reconnectMaxMs',
      options.reconnectMaxMs,
      Math.max(5_000, reconnectMinMs),
      reconnectMinMs,
    ),
    queryTimeoutMs: delay('queryTimeoutMs', options.queryTimeoutMs, 0, 0),
    cancelGraceMs: delay('cancelGraceMs', options.cancelGraceMs, 5_000, 1),
    statementCacheSize: integer('statementCacheSize', options.statementCacheSize, 100, 0, 100_000),
    types,
    clock: given ?? clock,
    random: random ?? Math.random,
  };
}

/** @throws {ArgumentTypeError} for options that are no object. */
export function checkOptionsObject(options: unknown): void {
  if (typeof options !== 'object' || options === null) throw invalidType('options', 'an object', options);
}

/** @throws {ArgumentTypeError} for a signal that cannot be listened to. */
export function checkSignal(signal: AbortSignal | undefined): void {
  if (signal !== undefined && typeof signal?.addEventListener !== 'function') {
    throw invalidType('signal', 'an AbortSignal', signal);
  }
}

/** Checks a time that a call brings. */
export function delay(name: string, value: unknown, byDefault: number, least: number): number {
  return number(name, value, byDefault, least, MAX_DELAY_MS);
}

/** Checks a count that a call brings. */
export function integer(
  name: string,
  value: unknown,
  byDefault: number,
  least: number,
  most: number,
): number {
  const result = number(name, value, byDefault, least, most);
  if (!Number.isInteger(result)) {
    throw new ArgumentRangeError(`${name}: expected an integer, got ${result}`);
  }
  return result;
}

function share(name: string, value: unknown, byDefault: number): number {
  return number(name, value, byDefault, 0, 1);
}

function number(name: string, value: unknown, byDefault: number, least: number, most: number): number {
  if (value === undefined) return byDefault;
  if (typeof value !== 'number') throw invalidType(name, 'a number', value);
  if (!(value >= least && value <= most)) {
    throw new ArgumentRangeError(`${name}: expected ${least} to ${most}, got ${value}`);
  }
  return value;
}

function text(name: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'string') throw invalidType(name, 'a string', value);
}
