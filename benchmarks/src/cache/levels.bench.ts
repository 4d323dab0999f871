/**
 * K1: the levels of a cache against each other, and each level against those of others. Every read is a hit in the level
 * under measurement, of one of 1024 users of about 200 bytes of JSON, and ends in the object, not in its text.
 */

import type { Case, GuideFigure } from '../harness/case.ts';
import { onThisMachine, READS_AT_ONCE, readUsers, throughServer } from './read-users.ts';
import { database, map, ourGet, ourPeek, ourRedis, plainRedis } from './readers.ts';
import { USER_COUNT } from './users.ts';

const IN_FLIGHT = [1, 50] as const;

function caseName(name: string, inFlight: number): string {
  return inFlight === 1 ? name : `${name} at ${inFlight} in flight`;
}

function params(inFlight: number): Case['params'] {
  const common = { users: USER_COUNT, valueBytes: 200, inFlight };
  return inFlight === 1 ? common : { ...common, readsPerOperation: READS_AT_ONCE };
}

/**
 * Operations of {@link READS_AT_ONCE} reads of one process before it is timed. Fifty at a time share a command, so that what is
 * done once a batch is compiled late: after 250 ms, the warm-up of other cases, all clients still get faster for a second, ours
 * from 10 µs a read to 5, ioredis from 11 to 9, bentocache from 15 to 14.
 */
const OPERATIONS_TO_COMPILE = 64;

const REDIS_OVER_DATABASE: GuideFigure = { text: '10 ms → 1 ms (10×)', ratio: 10, basis: 'ratio' };
const MEMORY_OVER_REDIS: GuideFigure = { text: '1 ms → 0.01 ms (100×)', ratio: 100, basis: 'ratio' };

const cases: readonly Case[] = [
  ...IN_FLIGHT.map((inFlight): Case => ({
    id: 'K1',
    case: caseName('Redis over database', inFlight),
    package: 'cache',
    tier: 'guide',
    params: params(inFlight),
    guide: inFlight === 1 ? REDIS_OVER_DATABASE : null,
    needs: ['postgres', 'redis'],
    async: true,
    settings: `${onThisMachine(inFlight)}; pg.Pool, min 5, max 20; the 1024 rows in shared buffers`,
    ...throughServer(inFlight),
    limit:
      inFlight === 1
        ? 'The guide’s 10 ms and 1 ms contain a network. On one machine an indexed row in memory costs Postgres little more than a key costs Redis, and each read is one round trip through the loopback.'
        : 'The row is in memory and indexed, so Postgres is bound by its protocol and by the client as Redis is; the guide’s 10 ms are a network and a disk.',
    variants: {
      naive: readUsers('naive', inFlight, database),
      ours: readUsers('ours', inFlight, ourRedis),
      ioredis: readUsers('peer', inFlight, plainRedis),
    },
  })),
  ...IN_FLIGHT.map((inFlight): Case => ({
    id: 'K1',
    case: caseName('memory over Redis', inFlight),
    package: 'cache',
    tier: 'guide',
    params: params(inFlight),
    guide: inFlight === 1 ? MEMORY_OVER_REDIS : null,
    needs: ['redis'],
    async: true,
    settings: onThisMachine(inFlight),
    ...throughServer(inFlight),
    variants: {
      naive: readUsers('naive', inFlight, plainRedis),
      ours: readUsers('ours', inFlight, ourGet(true)),
      'ours:peek': readUsers('ours', inFlight, ourPeek(true)),
    },
  })),
  {
    id: 'K1',
    case: 'peek',
    package: 'cache',
    tier: 'peers',
    params: params(1),
    guide: null,
    async: false,
    variants: {
      ours: readUsers('ours', 1, ourPeek(false)),
      'lru-cache': readUsers(
        'peer',
        1,
        async () => await (await import('./peers/lru-cache.ts')).openLruCacheGet(),
      ),
      'floor:Map.get': readUsers('floor', 1, map),
    },
  },
  {
    id: 'K1',
    case: 'get hit',
    package: 'cache',
    tier: 'peers',
    params: params(1),
    guide: null,
    async: true,
    variants: {
      ours: readUsers('ours', 1, ourGet(false)),
      bentocache: readUsers(
        'peer',
        1,
        async () => await (await import('./peers/bentocache.ts')).openBentocacheMemory(),
      ),
      'cache-manager': readUsers(
        'peer',
        1,
        async () => await (await import('./peers/cache-manager.ts')).openCacheManager(),
      ),
      'lru-cache': readUsers(
        'peer',
        1,
        async () => await (await import('./peers/lru-cache.ts')).openLruCacheFetch(),
      ),
      '@epic-web/cachified': readUsers(
        'peer',
        1,
        async () => await (await import('./peers/cachified.ts')).openCachifiedMemory(),
      ),
      'async-cache-dedupe': readUsers(
        'peer',
        1,
        async () => await (await import('./peers/async-cache-dedupe.ts')).openDedupeMemory(),
      ),
      cacheable: readUsers(
        'peer',
        1,
        async () => await (await import('./peers/cacheable.ts')).openCacheable(),
      ),
      'layered-loader': readUsers(
        'peer',
        1,
        async () => await (await import('./peers/layered-loader.ts')).openLayeredMemory(),
      ),
      'floor:await Map.get': readUsers('floor', 1, map),
    },
  },
  {
    id: 'K1',
    case: 'level-2 hit at 50 in flight',
    package: 'cache',
    tier: 'peers',
    params: params(50),
    guide: null,
    needs: ['redis'],
    async: true,
    settings: onThisMachine(50),
    ...throughServer(50),
    warmupOperations: OPERATIONS_TO_COMPILE,
    variants: {
      ours: readUsers('ours', 50, ourRedis),
      bentocache: readUsers(
        'peer',
        50,
        async () => await (await import('./peers/bentocache.ts')).openBentocacheRedis(),
      ),
      '@epic-web/cachified': readUsers(
        'peer',
        50,
        async () => await (await import('./peers/cachified.ts')).openCachifiedRedis(),
      ),
      'async-cache-dedupe': readUsers(
        'peer',
        50,
        async () => await (await import('./peers/async-cache-dedupe.ts')).openDedupeRedis(),
      ),
      'layered-loader': readUsers(
        'peer',
        50,
        async () => await (await import('./peers/layered-loader.ts')).openLayeredRedis(),
      ),
      ioredis: readUsers('peer', 50, plainRedis),
    },
  },
  {
    id: 'K1',
    case: 'level-2 hit',
    package: 'cache',
    tier: 'peers',
    params: params(1),
    guide: null,
    needs: ['redis'],
    async: true,
    settings: onThisMachine(1),
    ...throughServer(1),
    variants: {
      ours: readUsers('ours', 1, ourRedis),
      bentocache: readUsers(
        'peer',
        1,
        async () => await (await import('./peers/bentocache.ts')).openBentocacheRedis(),
      ),
      'async-cache-dedupe': readUsers(
        'peer',
        1,
        async () => await (await import('./peers/async-cache-dedupe.ts')).openDedupeRedis(),
      ),
      ioredis: readUsers('peer', 1, plainRedis),
    },
  },
];

export default cases;
