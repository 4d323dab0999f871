import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  ServiceOptionError,
  ServiceStoppedError,
  startProxy,
  type FaultProxy,
} from '../../dist/services/index.js';

/** A server that answers with what it is sent, and what it saw of its connections. */
interface Echo {
  readonly port: number;
  readonly sockets: readonly Socket[];
  stop(): Promise<void>;
}

async function startEcho(): Promise<Echo> {
  const sockets: Socket[] = [];
  const server: Server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    socket.pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    sockets,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** A client that collects what it gets and how it ended. */
class Client {
  readonly socket: Socket;
  readonly ended: Promise<string>;
  #received = Buffer.alloc(0);
  #wake: () => void = () => {};

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1');
    this.ended = new Promise((resolve) => {
      let how = 'closed';
      this.socket.on('end', () => {
        how = 'end';
      });
      this.socket.on('error', (error: NodeJS.ErrnoException) => {
        how = error.code ?? error.message;
      });
      this.socket.on('close', () => {
        resolve(how);
      });
    });
    this.socket.on('data', (data) => {
      this.#received = Buffer.concat([this.#received, data]);
      this.#wake();
    });
  }

  get received(): Buffer {
    return this.#received;
  }

  async receive(bytes: number): Promise<Buffer> {
    while (this.#received.length < bytes) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const taken = this.#received.subarray(0, bytes);
    this.#received = this.#received.subarray(bytes);
    return taken;
  }

  async roundTrip(text: string): Promise<{ text: string; ms: number }> {
    const from = performance.now();
    this.socket.write(text);
    const answer = await this.receive(Buffer.byteLength(text));
    return { text: answer.toString(), ms: performance.now() - from };
  }
}

describe('a fault proxy', () => {
  let echo: Echo;
  let proxy: FaultProxy;
  const clients: Client[] = [];

  function open(): Client {
    const client = new Client(proxy.port);
    clients.push(client);
    return client;
  }

  beforeEach(async () => {
    echo = await startEcho();
    proxy = await startProxy({ port: echo.port });
  });
  afterEach(async () => {
    for (const { socket } of clients.splice(0)) socket.destroy();
    await proxy.stop();
    await echo.stop();
  });

  test('passes everything on, unchanged, and ends as the client ends', async () => {
    const client = open();
    const sent = Buffer.from(Array.from({ length: 3_000_000 }, (_, index) => (index * 31) % 251));
    client.socket.end(sent);
    const received = await client.receive(sent.length);
    expect(received.equals(sent)).toBe(true);
    expect(await client.ended).toBe('end');
    expect(proxy.connections).toBe(0);
  });

  test('puts itself into a URL and leaves the rest of it alone', async () => {
    await using other = await startProxy(`postgres://me:p%40ss@127.0.0.1:${echo.port}/data?sslmode=disable`);
    expect(other.url).toBe(`postgres://me:p%40ss@127.0.0.1:${other.port}/data?sslmode=disable`);
    expect(other.rewrite('redis://cache')).toBe(`redis://127.0.0.1:${other.port}`);
    expect(() => proxy.url).toThrow(ServiceOptionError);
  });

  test('delays each direction by the latency, so a round trip by twice that', async () => {
    const client = open();
    await client.roundTrip('warm');
    proxy.setLatencyMs(40);
    const { ms } = await client.roundTrip('slow');
    expect(ms).toBeGreaterThanOrEqual(79);
    proxy.setLatencyMs(0);
    expect((await client.roundTrip('fast')).text).toBe('fast');
  });

  test('the latency of pieces overlaps: many in a row take as long as one', async () => {
    const client = open();
    await client.roundTrip('warm');
    proxy.setLatencyMs(100);
    const from = performance.now();
    for (let index = 0; index < 20; index++) {
      client.socket.write(String(index % 10));
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
    expect((await client.receive(20)).toString()).toBe('01234567890123456789');
    // One after the other they would take 4 s.
    expect(performance.now() - from).toBeLessThan(2000);
  });

  test('jitter and a change of latency never change the order', async () => {
    const values = [0.99, 0.01, 0.5, 0.9, 0];
    let at = 0;
    await using jittery = await startProxy(
      { port: echo.port },
      { latencyMs: 10, jitterMs: 10, random: () => values[at++ % values.length] ?? 0 },
    );
    const client = new Client(jittery.port);
    clients.push(client);
    let expected = '';
    for (let index = 0; index < 60; index++) {
      if (index === 30) jittery.setLatencyMs(0, 5);
      expected += `<${index}>`;
      client.socket.write(`<${index}>`);
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
    expect((await client.receive(expected.length)).toString()).toBe(expected);
    expect(at).toBeGreaterThan(5);
  });

  test('the end of the stream waits for the data before it', async () => {
    proxy.setLatencyMs(20);
    const client = open();
    client.socket.end('last words');
    expect(await client.ended).toBe('end');
    expect(client.received.toString()).toBe('last words');
  });

  test('a throttled connection takes as long as its bytes need', async () => {
    const client = open();
    await client.roundTrip('warm');
    proxy.throttle(100_000);
    const from = performance.now();
    client.socket.write(Buffer.alloc(20_000, 'x'));
    await client.receive(20_000);
    expect(performance.now() - from).toBeGreaterThanOrEqual(195);
  });

  test('cutAll resets both ends, and new connections work at once', async () => {
    const [one, two] = [open(), open()];
    await Promise.all([one.roundTrip('a'), two.roundTrip('b')]);
    const atServer = echo.sockets.map(
      (socket) =>
        new Promise((resolve) => {
          socket.once('close', resolve);
        }),
    );
    expect(proxy.connections).toBe(2);
    expect(proxy.cutAll()).toBe(2);
    expect(await Promise.all([one.ended, two.ended])).toEqual(['ECONNRESET', 'ECONNRESET']);
    expect(await Promise.all(atServer)).toEqual([true, true]); // with an error

    expect(proxy.connections).toBe(0);
    expect((await open().roundTrip('again')).text).toBe('again');
  });

  test('refuses new connections, keeps the open ones, and comes back on the same port', async () => {
    const old = open();
    await old.roundTrip('before');
    await proxy.refuse(true);
    await proxy.refuse(true);
    expect(await open().ended).toBe('ECONNREFUSED');
    expect((await old.roundTrip('still here')).text).toBe('still here');
    await proxy.refuse(false);
    expect((await open().roundTrip('back')).text).toBe('back');
  });

  test('half-open: data and ends go nowhere, connections stay, later ones work again', async () => {
    const old = open();
    await old.roundTrip('before');
    const [atServer] = echo.sockets;
    let serverSaw = '';
    atServer?.on('data', (data) => {
      serverSaw += data.toString();
    });
    atServer?.on('end', () => {
      serverSaw += '(end)';
    });
    proxy.halfOpen(true);
    const fresh = open();
    await once(fresh.socket, 'connect');
    old.socket.end('lost');
    fresh.socket.write('lost too');
    atServer?.write('lost as well');
    await new Promise((resolve) => {
      setTimeout(resolve, 100);
    });
    expect(serverSaw).toBe('');
    expect(old.received.length + fresh.received.length).toBe(0);
    expect(fresh.socket.readyState).toBe('open');
    expect(proxy.connections).toBe(2);
    proxy.halfOpen(false);
    expect((await open().roundTrip('works')).text).toBe('works');
    expect(fresh.received.length).toBe(0);
    await proxy.stop();
    expect(await fresh.ended).toBe('ECONNRESET');
  });

  test('ends each connection after so many bytes to the client, in the middle of a message', async () => {
    const client = open();
    await client.roundTrip('whole');
    proxy.closeAfterBytes(4, 'toClient');
    client.socket.write('message');
    expect(await client.ended).toBe('end');
    expect(client.received.toString()).toBe('mess');
    const next = open();
    next.socket.write('another');
    expect(await next.ended).toBe('end');
    expect(next.received.toString()).toBe('anot');
    proxy.closeAfterBytes(Number.POSITIVE_INFINITY, 'toClient');
    expect((await open().roundTrip('unlimited')).text).toBe('unlimited');
  });

  test('ends each connection after so many bytes to the server, and resets the client', async () => {
    proxy.closeAfterBytes(3, 'toServer');
    const client = open();
    client.socket.write('request');
    expect(await client.ended).toBe('ECONNRESET');
    expect(echo.sockets[0]?.bytesRead).toBe(3);
  });

  test('a target that is not there resets the client', async () => {
    await echo.stop();
    const client = open();
    expect(await client.ended).toBe('ECONNRESET');
    echo = await startEcho();
  });

  test('stop cuts what is open, refuses what comes, and can be called twice', async () => {
    const client = open();
    await client.roundTrip('x');
    await Promise.all([proxy.stop(), proxy.stop()]);
    expect(await client.ended).toBe('ECONNRESET');
    expect(await open().ended).toBe('ECONNREFUSED');
    await expect(proxy.refuse(false)).rejects.toThrow(ServiceStoppedError);
  });

  test('arguments out of range are refused', async () => {
    expect(() => {
      proxy.setLatencyMs(-1);
    }).toThrow(ServiceOptionError);
    expect(() => {
      proxy.setLatencyMs(1, Number.NaN);
    }).toThrow(/jitterMs/);
    expect(() => {
      proxy.throttle(0);
    }).toThrow(ServiceOptionError);
    expect(() => {
      proxy.closeAfterBytes(0, 'toClient');
    }).toThrow(ServiceOptionError);
    await expect(startProxy('http://user:secret@host/')).rejects.toThrow(
      expect.not.objectContaining({ message: expect.stringContaining('secret') as string }) as Error,
    );
    await expect(startProxy('nonsense')).rejects.toThrow(ServiceOptionError);
  });
});
