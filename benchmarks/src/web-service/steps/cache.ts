import { createCache, memoryTier } from '@hotpath/cache';
import { redisTier } from '@hotpath/cache/redis';
import { Redis } from 'ioredis';
import { naiveParts } from '../naive/service.ts';
import type { Json, Parts, ServiceConfig } from '../parts.ts';

/** One user, and one user's posts, come out of memory or Redis when they were asked for before. */
export function cacheStep(config: ServiceConfig): Parts {
  const naive = naiveParts(config);
  const redis = new Redis(config.redisUrl);
  redis.on('error', () => {});
  const cache = createCache({
    tiers: [memoryTier({ maxEntries: 20_000, maxTtlMs: 600_000 }), redisTier({ client: redis })],
    namespace: config.namespace ?? 'hotpath',
  });
  const users = cache.define<Json, number>({ name: 'user', load: (id) => naive.users.find(id) });
  const posts = cache.define<Json, number>({ name: 'posts', load: (id) => naive.users.posts(id) });
  return {
    ...naive,
    users: {
      ...naive.users,
      find: (id) => users.peek(id) ?? users.get(id),
      posts: (id) => posts.peek(id) ?? posts.get(id),
      async update(id, user) {
        const updated = await naive.users.update(id, user);
        if (updated !== undefined) await users.invalidate(id);
        return updated;
      },
    },
    async close() {
      await cache.close();
      redis.disconnect();
    },
  };
}
