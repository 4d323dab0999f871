/** The service that an error or a connection is about. */
export type ServiceName = 'postgres' | 'redis';

/** Base of everything that the launcher throws on purpose; tell causes apart by `code`. */
export abstract class ServicesError extends Error {
  abstract readonly code: string;
}

/** Neither a URL nor a server's binary was found, nor could one be fetched. */
export class ServiceMissingError extends ServicesError {
  override readonly name = 'ServiceMissingError';
  readonly code = 'ERR_HOTPATH_BENCHMARKS_SERVICE_MISSING';
  readonly service: ServiceName;
  /** What was tried, and how each attempt ended. */
  readonly reason: string;
  /** What the user can do about it on this platform. */
  readonly remedy: string;

  constructor(service: ServiceName, reason: string, remedy: string) {
    super(`No ${displayName(service)}: ${reason}. ${remedy}`);
    this.service = service;
    this.reason = reason;
    this.remedy = remedy;
  }
}

/**
 * A URL was given, and nothing useful answers there. The URL's password is in none of the error's fields, and `cause`
 * is a copy of the driver's error without its fields, because drivers keep commands and URLs in theirs.
 */
export class ServiceUnreachableError extends ServicesError {
  override readonly name = 'ServiceUnreachableError';
  readonly code = 'ERR_HOTPATH_BENCHMARKS_SERVICE_UNREACHABLE';
  readonly service: ServiceName;
  /** The environment variable that the URL came from. */
  readonly variable: string;
  /** `host:port` as given; empty when the URL could not be read. */
  readonly host: string;

  constructor(service: ServiceName, variable: string, host: string, cause: Error) {
    const where = host === '' ? '' : ` at ${host}`;
    super(`${variable}: cannot reach ${displayName(service)}${where}: ${cause.message}`, { cause });
    this.service = service;
    this.variable = variable;
    this.host = host;
  }
}

/** A service that answers does not let us do what we need. */
export class ServiceRefusedError extends ServicesError {
  override readonly name = 'ServiceRefusedError';
  readonly code = 'ERR_HOTPATH_BENCHMARKS_SERVICE_REFUSED';
}

/** A server's binary was found but did not start; `log` holds the end of what it printed. */
export class ServiceStartError extends ServicesError {
  override readonly name = 'ServiceStartError';
  readonly code = 'ERR_HOTPATH_BENCHMARKS_SERVICE_START';
  readonly log: string;
  /** One line: what failed, and the line of the log that tells most. */
  readonly summary: string;

  constructor(what: string, log: string, options?: ErrorOptions) {
    const lines = log.split('\n').map((line) => line.trim());
    const telling =
      lines.find((line) => /FATAL|error|fail|cannot|can't/i.test(line)) ?? lines.findLast(Boolean);
    super(telling === undefined ? what : `${what}; it printed:\n${log.trim()}`, options);
    this.log = log;
    this.summary = telling === undefined ? what : `${what}: ${telling}`;
  }
}

/** A method was called on a server, a proxy or a group of servers that does not run any more. */
export class ServiceStoppedError extends ServicesError {
  override readonly name = 'ServiceStoppedError';
  readonly code = 'ERR_HOTPATH_BENCHMARKS_SERVICE_STOPPED';
}

/** The process that guards the servers ended by itself; it took the servers with it, or they were killed. */
export class WatchdogError extends ServicesError {
  override readonly name = 'WatchdogError';
  readonly code = 'ERR_HOTPATH_BENCHMARKS_WATCHDOG';
}

/** An argument is outside what the function takes. */
export class ServiceOptionError extends RangeError {
  override readonly name = 'ServiceOptionError';
  readonly code = 'ERR_HOTPATH_BENCHMARKS_SERVICE_OPTION';
}

/** How a service is called in messages. */
export function displayName(service: ServiceName): string {
  return service === 'postgres' ? 'Postgres' : 'Redis';
}
