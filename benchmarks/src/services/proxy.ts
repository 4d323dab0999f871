import { connect, createServer, type Server, type Socket } from 'node:net';
import { ServiceOptionError, ServiceStoppedError } from './errors.ts';
import { choosePort, LOOPBACK } from './port.ts';
import { Lane, type LaneConditions } from './proxy-lane.ts';

const DEFAULT_PORTS: Readonly<Record<string, number>> = {
  'postgres:': 5432,
  'postgresql:': 5432,
  'redis:': 6379,
  'rediss:': 6379,
};
const PORT_ATTEMPTS = 10;

/** Where a proxy leads: a URL with a host, or the address itself. */
export type ProxyTarget = string | { readonly host?: string; readonly port: number };

export interface ProxyOptions {
  /** Latency from the start; see {@link FaultProxy.setLatencyMs}. Default 0. */
  readonly latencyMs?: number;
  /** Default 0. */
  readonly jitterMs?: number;
  /** Source of the jitter, uniform in [0, 1). Default `Math.random`. */
  readonly random?: () => number;
}

export type ProxyDirection = 'toServer' | 'toClient';

/**
 * One proxied connection.
 *
 * ```
 *   client ──► #client ──toServer──► #server ──► target
 *          ◄──         ◄──toClient──         ◄──
 * ```
 */
class Connection {
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #lanes: Readonly<Record<ProxyDirection, Lane>>;
  readonly #onClosed: () => void;
  #swallowing = false;
  #cut = false;

  constructor(client: Socket, server: Socket, conditions: LaneConditions, onClosed: () => void) {
    this.#client = client;
    this.#server = server;
    this.#onClosed = onClosed;
    this.#lanes = {
      toServer: new Lane(client, server, conditions, () => {
        this.#spent(client, server);
      }),
      toClient: new Lane(server, client, conditions, () => {
        this.#spent(server, client);
      }),
    };
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      // An error is followed by 'close', which decides.
      socket.on('error', () => {});
      socket.on('close', (hadError) => {
        this.#socketClosed(hadError);
      });
    }
  }

  setBudget(direction: ProxyDirection, bytes: number): void {
    this.#lanes[direction].budgetBytes = bytes;
  }

  swallow(): void {
    this.#swallowing = true;
    for (const lane of Object.values(this.#lanes)) lane.swallow();
  }

  /** Resets both sides (RST). */
  cut(): void {
    if (this.#cut) return;
    this.#cut = true;
    for (const lane of Object.values(this.#lanes)) lane.close();
    for (const socket of [this.#client, this.#server]) socket.resetAndDestroy();
    this.#onClosed();
  }

  /** The receiver has had its last byte and the end of the stream, which a reset could still overtake. */
  #spent(sender: Socket, receiver: Socket): void {
    sender.resetAndDestroy();
    receiver.destroy();
  }

  #socketClosed(hadError: boolean): void {
    // The point of a half-open connection: one side does not learn that the other is gone.
    if (this.#swallowing) return;
    if (hadError || (this.#client.destroyed && this.#server.destroyed)) this.cut();
  }
}

/** A TCP proxy that disturbs what goes through it. See {@link startProxy}. */
export class FaultProxy implements AsyncDisposable {
  readonly host: string = LOOPBACK;
  /** The same for the proxy's whole life, also while it refuses connections. */
  readonly port: number;
  readonly #target: { readonly host: string; readonly port: number };
  readonly #targetUrl: string | undefined;
  readonly #conditions: LaneConditions;
  readonly #connections = new Set<Connection>();
  readonly #budgets: Record<ProxyDirection, number> = {
    toServer: Number.POSITIVE_INFINITY,
    toClient: Number.POSITIVE_INFINITY,
  };
  #listener: Server | undefined;
  #halfOpen = false;
  #stopped = false;

  /** @internal */
  constructor(listener: Server, port: number, target: ProxyTarget, options: ProxyOptions) {
    this.port = port;
    this.#target = addressOf(target);
    this.#targetUrl = typeof target === 'string' ? target : undefined;
    this.#conditions = {
      latencyMs: 0,
      jitterMs: 0,
      bytesPerSecond: Number.POSITIVE_INFINITY,
      random: options.random ?? Math.random,
    };
    this.setLatencyMs(options.latencyMs ?? 0, options.jitterMs ?? 0);
    this.#adopt(listener);
  }

  /** The target's URL with the proxy in the target's place; user, password, path and parameters stay. */
  get url(): string {
    if (this.#targetUrl === undefined)
      throw new ServiceOptionError('url: the proxy was started for a host and a port, not for a URL');
    return this.rewrite(this.#targetUrl);
  }

  /** Any URL of the same server with the proxy in the server's place. */
  rewrite(url: string): string {
    const rewritten = new URL(url);
    rewritten.hostname = this.host;
    rewritten.port = String(this.port);
    return rewritten.href;
  }

  /** Connections that go through, half-open ones included. */
  get connections(): number {
    return this.#connections.size;
  }

  /**
   * Delays what is read from now on by `latencyMs` in **each** direction, so a round trip takes twice that; setting up
   * the TCP connection itself is not delayed. Each piece varies by up to `jitterMs` both ways, never below 0 and never
   * overtaking the one before.
   */
  setLatencyMs(latencyMs: number, jitterMs = 0): void {
    for (const [name, value] of Object.entries({ latencyMs, jitterMs })) {
      if (!(value >= 0 && value < Number.POSITIVE_INFINITY))
        throw new ServiceOptionError(`${name}: expected a finite number of at least 0, got ${value}`);
    }
    this.#conditions.latencyMs = latencyMs;
    this.#conditions.jitterMs = jitterMs;
  }

  /** Limits each direction of each connection, for what is read from now on; `Infinity` ends it. */
  throttle(bytesPerSecond: number): void {
    if (!(bytesPerSecond > 0))
      throw new ServiceOptionError(`bytesPerSecond: expected a number above 0, got ${bytesPerSecond}`);
    this.#conditions.bytesPerSecond = bytesPerSecond;
  }

  /** Resets (RST) all connections at both ends, and returns how many; new ones can be made at once. */
  cutAll(): number {
    const connections = [...this.#connections];
    for (const connection of connections) connection.cut();
    return connections.length;
  }

  /**
   * Ends every connection after `bytes` more bytes in one direction, each counted for itself, also in the middle of a
   * message: the receiver gets exactly those and then the end of the stream, the sender a reset. Holds for connections
   * that are open and for all later ones, until it is set to `Infinity`.
   */
  closeAfterBytes(bytes: number, direction: ProxyDirection): void {
    if (!(bytes >= 1)) throw new ServiceOptionError(`bytes: expected at least 1, got ${bytes}`);
    this.#budgets[direction] = bytes;
    for (const connection of this.#connections) connection.setBudget(direction, bytes);
  }

  /**
   * On: connections stay open and new ones are accepted, but nothing goes through them any more, neither data nor the
   * end of the stream, as when a host vanished or a firewall forgot. Off: new connections work again; those that were
   * half-open stay dead, because what they lost is lost, until their owner gives up, `cutAll()` or `stop()`.
   */
  halfOpen(on: boolean): void {
    this.#halfOpen = on;
    if (on) for (const connection of this.#connections) connection.swallow();
  }

  /**
   * On: new connections are refused (ECONNREFUSED), those that are open go on. Off: the proxy listens on its port again.
   *
   * @throws ServiceStoppedError after `stop()`.
   */
  async refuse(on: boolean): Promise<void> {
    if (this.#stopped) throw new ServiceStoppedError('refuse(): the proxy was stopped');
    if (on === (this.#listener === undefined)) return;
    if (on) {
      // The listening socket is closed by the time this returns; the callback would wait for the open connections.
      this.#listener?.close();
      this.#listener = undefined;
    } else {
      this.#adopt(await listen(this.port));
    }
  }

  /** Resets all connections and gives the port back. A second call does nothing. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.cutAll();
    const listener = this.#listener;
    this.#listener = undefined;
    if (listener === undefined) return;
    await new Promise<void>((resolve) => {
      listener.close(() => {
        resolve();
      });
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #adopt(listener: Server): void {
    this.#listener = listener;
    listener.on('connection', (client) => {
      this.#accept(client);
    });
  }

  #accept(client: Socket): void {
    const server = connect({ ...this.#target, allowHalfOpen: true });
    const connection: Connection = new Connection(client, server, this.#conditions, () => {
      this.#connections.delete(connection);
    });
    this.#connections.add(connection);
    for (const direction of ['toServer', 'toClient'] as const)
      connection.setBudget(direction, this.#budgets[direction]);
    if (this.#halfOpen) connection.swallow();
  }
}

function addressOf(target: ProxyTarget): { host: string; port: number } {
  if (typeof target !== 'string') return { host: target.host ?? LOOPBACK, port: target.port };
  if (!URL.canParse(target)) throw new ServiceOptionError('target: expected a URL or { host, port }');
  const { hostname, port, protocol } = new URL(target);
  const number = port === '' ? DEFAULT_PORTS[protocol] : Number(port);
  if (hostname === '' || number === undefined)
    throw new ServiceOptionError(`target: expected a URL with host and port, got one of ${protocol} without`);
  return { host: hostname.replace(/^\[|\]$/g, ''), port: number };
}

function listen(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const listener = createServer({ allowHalfOpen: true });
    listener.once('error', reject);
    listener.listen({ port, host: LOOPBACK, exclusive: true }, () => {
      listener.off('error', reject);
      resolve(listener);
    });
  });
}

/**
 * Starts a TCP proxy on a free port of 127.0.0.1 before a server, to disturb the traffic between a client and it: delay,
 * limit, cut, refuse, or leave it half-open. It lives in this process; `stop()` or `await using` ends it.
 *
 * @throws ServiceOptionError if the target has no address.
 *
 * @example
 * await using proxy = await startProxy(redis.url, { latencyMs: 5 });
 * const client = new Redis(proxy.url);
 * proxy.cutAll(); // the client meets ECONNRESET and reconnects
 */
export async function startProxy(target: ProxyTarget, options: ProxyOptions = {}): Promise<FaultProxy> {
  addressOf(target);
  for (let attempt = 1; ; attempt++) {
    const port = await choosePort();
    try {
      return new FaultProxy(await listen(port), port, target, options);
    } catch (error) {
      if (attempt >= PORT_ATTEMPTS || (error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    }
  }
}
