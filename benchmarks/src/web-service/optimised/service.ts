/**
 * The service as the guide ends up: one pool of connections, a cache of two levels that is warm before the first
 * request, a buffered log, a pool of buffers and a monitor, each opened here and closed here.
 */

import { createCache, memoryTier } from '@hotpath/cache';
import { redisTier } from '@hotpath/cache/redis';
import { createDatabase } from '@hotpath/database';
import { createPool } from '@hotpath/memory';
import { monitor } from '@hotpath/profile';
import { Redis } from 'ioredis';
import { BODY_BYTES_MAX, type Parts, type ServiceConfig } from '../parts.ts';
import { optimisedAccessLog } from './access-log.ts';
import { optimisedBodies } from './bodies.ts';
import { optimisedUsers } from './users.ts';

const POOL_BLOCKS = 100;
/**
 * The hot users only; the others are a round trip to Redis away. What is held for long makes V8 let several times as much
 * gather before it collects, so a larger level costs more than its bytes.
 */
const MEMORY_BYTES = 16 * 2 ** 20;
/** Read before the first request, the most popular first; they leave room for as many again. */
const WARM_USERS = 5_000;
/** A client that waits longer, for a connection or a block, has gone. */
const ACQUIRE_TIMEOUT_MS = 2_000;
const QUERY_TIMEOUT_MS = 5_000;
/** Each look at the event loop wakes the process. Twenty a second are enough to see what would miss 50 ms. */
const MONITOR_RESOLUTION_MS = 50;

export function optimisedParts(config: ServiceConfig): Parts {
  const db = createDatabase({
    connectionString: config.databaseUrl,
    max: 20,
    min: 5,
    acquireTimeoutMs: ACQUIRE_TIMEOUT_MS,
    queryTimeoutMs: QUERY_TIMEOUT_MS,
  });
  const redis = new Redis(config.redisUrl);
  // The cache goes on without Redis and tells in its statistics; ioredis reconnects by itself.
  redis.on('error', () => {});
  const cache = createCache({
    tiers: [
      // A page brings twenty users that nobody asked for by name: they are not to push out those whom everybody asks for.
      memoryTier({ maxBytes: MEMORY_BYTES, policy: 's3-fifo', maxTtlMs: 600_000 }),
      redisTier({ client: redis }),
    ],
    namespace: config.namespace ?? 'hotpath',
  });
  const users = optimisedUsers(db, cache);
  const log = optimisedAccessLog(config.accessLog);
  const buffers = createPool({
    blockSize: BODY_BYTES_MAX,
    maxBlocks: POOL_BLOCKS,
    acquireTimeoutMs: ACQUIRE_TIMEOUT_MS,
  });
  const health = monitor({ resolutionMs: MONITOR_RESOLUTION_MS });

  return {
    users,
    log,
    bodies: optimisedBodies(buffers),
    async prepare() {
      await db.warm();
      await users.warmUp(config.warmUsers ?? WARM_USERS);
    },
    metrics: () => ({
      process: health.lastWindow() ?? health.stats(),
      database: db.metrics(),
      cache: cache.stats(),
      log: log.writer.stats(),
      buffers: buffers.stats(),
    }),
    async close() {
      // In the order in which they lean on each other: what is batched needs the database, the cache needs Redis.
      await users.close();
      await cache.close();
      await Promise.all([db.close(), log.writer.close(), buffers.close()]);
      redis.disconnect();
      health.stop();
    },
  };
}
