import { readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { Cluster, Redis } from 'ioredis';
import { describe, expect, inject, test, vi } from 'vitest';
import {
  ServiceMissingError,
  ServiceOptionError,
  ServiceStartError,
  ServiceStoppedError,
  startRedis,
  startRedisCluster,
  startRedisSentinel,
} from '../../dist/services/index.js';
import { withRedis } from '../../dist/services/redis-client.js';
import { startOnFreePort } from '../../dist/services/server.js';
import { redisMissing } from './availability.ts';
import { markedFolder } from './leftovers.ts';

const missing = await redisMissing();

describe.skipIf(missing !== '')('a Redis of one’s own', () => {
  test('answers, tells its version and settings, and takes more lines of configuration', async () => {
    await using server = await startRedis({ config: ['maxmemory 16mb', 'maxmemory-policy allkeys-lru'] });
    expect(await withRedis(server.url, (client) => client.ping())).toBe('PONG');
    expect(server.version).toMatch(/^\d+\.\d+/);
    expect(server.settings).toMatchObject({
      maxmemory: String(16 << 20),
      'maxmemory-policy': 'allkeys-lru',
      appendonly: 'no',
      save: '',
    });
  });

  test('takes a password, and puts it into its URL', async () => {
    await using server = await startRedis({ config: ['requirepass open/sesame'] });
    expect(await withRedis(server.url, (client) => client.ping())).toBe('PONG');
    await expect(withRedis(`redis://127.0.0.1:${server.port}`, (client) => client.ping())).rejects.toThrow(
      /NOAUTH/,
    );
  });

  test('a durable one keeps port and data through restart and kill', async () => {
    await using server = await startRedis({ durable: true });
    const { port } = server;
    await withRedis(server.url, (client) => client.set('a', '1'));
    await server.restart();
    await withRedis(server.url, (client) => client.set('b', '2'));
    await server.kill();
    await expect(withRedis(server.url, (client) => client.ping())).rejects.toThrow(/ECONNREFUSED/);
    await server.restart();
    expect(server.port).toBe(port);
    expect(await withRedis(server.url, (client) => client.mget('a', 'b'))).toEqual(['1', '2']);
  });

  test('one that is not durable starts again empty', async () => {
    await using server = await startRedis();
    await withRedis(server.url, (client) => client.set('a', '1'));
    await server.restart();
    expect(await withRedis(server.url, (client) => client.dbsize())).toBe(0);
  });

  test('one that hangs answers nothing until it is resumed', async () => {
    await using server = await startRedis();
    const client = new Redis(server.url);
    try {
      await client.ping();
      await server.hang();
      let answered = false;
      const answer = client.ping().finally(() => {
        answered = true;
      });
      await new Promise((resolve) => {
        setTimeout(resolve, 150);
      });
      expect(answered).toBe(false);
      await server.resume();
      expect(await answer).toBe('PONG');
    } finally {
      client.disconnect();
    }
  });

  test('operations run in the order of the calls, also when nobody waits between them', async () => {
    const server = await startRedis();
    const calls = [server.hang(), server.kill(), server.restart(), server.hang(), server.stop()];
    await Promise.all(calls);
    await expect(server.restart()).rejects.toThrow(ServiceStoppedError);
  });

  test('several at once do not collide, and leave no files', async () => {
    const temporary = markedFolder();
    vi.stubEnv('TMPDIR', temporary);
    try {
      const servers = await Promise.all(Array.from({ length: 6 }, () => startRedis()));
      expect(new Set(servers.map(({ port }) => port)).size).toBe(6);
      expect(readdirSync(temporary)).toHaveLength(6);
      await Promise.all(servers.map((server) => server.stop()));
      expect(readdirSync(temporary)).toEqual([]);
    } finally {
      vi.unstubAllEnvs();
      rmSync(temporary, { recursive: true });
    }
  });

  test('a port that somebody takes between two starts is waited for', async () => {
    await using server = await startRedis();
    await server.kill();
    const squatter = createServer().listen(server.port, '127.0.0.1');
    await new Promise((resolve) => {
      squatter.once('listening', resolve);
    });
    const restarted = server.restart();
    await new Promise((resolve) => {
      setTimeout(resolve, 100);
    });
    squatter.close();
    await restarted;
    expect(await withRedis(server.url, (client) => client.ping())).toBe('PONG');
  });

  test('a configuration that Redis refuses gives its log', async () => {
    const start = startRedis({ config: ['maxmemory lots'] });
    await expect(start).rejects.toThrow(ServiceStartError);
    await expect(start).rejects.toThrow(/maxmemory/);
  });

  test('two settings in one line are refused', async () => {
    await expect(startRedis({ config: ['a 1\nb 2'] })).rejects.toThrow(ServiceOptionError);
  });
});

test('a REDIS_SERVER_BIN that cannot be run is an error, and nothing else is tried', async () => {
  vi.stubEnv('REDIS_SERVER_BIN', '/nonexistent/redis-server');
  try {
    const start = startRedis();
    await expect(start).rejects.toThrow(ServiceMissingError);
    await expect(start).rejects.toThrow(/REDIS_SERVER_BIN is \/nonexistent\/redis-server.*REDIS_URL/s);
  } finally {
    vi.unstubAllEnvs();
  }
});

test('a port that is taken between the look and the bind makes way for another', async () => {
  const ports: number[] = [];
  const results = [
    { ok: false, reason: 'ended', log: 'bind: Address already in use' },
    { ok: false, reason: 'ended', log: 'FATAL: could not create any TCP/IP sockets' },
    { ok: true, pid: 1 },
  ];
  const watchdog = { request: () => Promise.resolve(results[ports.length - 1]) };
  const started = await startOnFreePort('x', { watchdog, folder: '' } as never, (port) => {
    ports.push(port);
    return {} as never;
  });
  expect(started).toEqual({ pid: 1, port: ports[2] });
});

describe.skipIf(missing !== '')('groups', () => {
  test('a cluster of three takes keys of all slots, and notices the death of a node', async () => {
    await using group = await startRedisCluster(3);
    const client = new Cluster([...group.seeds]);
    try {
      const keys = Array.from({ length: 50 }, (_, index) => `key:${index}`);
      await Promise.all(keys.map((key) => client.set(key, key)));
      expect(await Promise.all(keys.map((key) => client.get(key)))).toEqual(keys);
      const sizes = await Promise.all(group.nodes.map(({ url }) => withRedis(url, (node) => node.dbsize())));
      expect(sizes.every((size) => size > 0)).toBe(true);
      expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(keys.length);
      const [first, , last] = group.nodes;
      await last!.kill();
      await vi.waitFor(
        async () => {
          const info = await withRedis(first!.url, (node) => node.call('CLUSTER', 'INFO'));
          expect(info).toContain('cluster_state:fail');
        },
        { timeout: 30_000, interval: 100 },
      );
    } finally {
      client.disconnect();
    }
  });

  test('a cluster of no nodes is refused', async () => {
    await expect(startRedisCluster(0)).rejects.toThrow(ServiceOptionError);
  });

  test('a sentinel promotes the replica when the primary dies, and a client follows', async () => {
    await using group = await startRedisSentinel();
    const client = new Redis({ sentinels: [...group.seeds], name: group.name });
    client.on('error', () => {});
    try {
      await client.set('before', '1');
      expect(await client.wait(1, 5000)).toBe(1);
      expect(await group.currentPort()).toBe(group.primary.port);
      await group.primary.kill();
      await vi.waitFor(
        async () => {
          expect(await group.currentPort()).toBe(group.replica.port);
        },
        { timeout: 30_000, interval: 100 },
      );
      expect(await client.get('before')).toBe('1');
    } finally {
      client.disconnect();
    }
  });

  test('three sentinels agree', async () => {
    await using group = await startRedisSentinel({ sentinels: 3 });
    expect(group.sentinels).toHaveLength(3);
    await group.primary.hang();
    await vi.waitFor(
      async () => {
        expect(await group.currentPort()).toBe(group.replica.port);
      },
      { timeout: 30_000, interval: 100 },
    );
  });

  test('an even number of sentinels is refused', async () => {
    await expect(startRedisSentinel({ sentinels: 2 })).rejects.toThrow(ServiceOptionError);
  });
});

test.skipIf(inject('redisUrl') === '')('the run’s own Redis answers at the injected URL', async () => {
  expect(await withRedis(inject('redisUrl'), (client) => client.ping())).toBe('PONG');
});
