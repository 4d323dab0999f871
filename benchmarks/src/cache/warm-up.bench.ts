/**
 * K2: the first request to each of 256 hot keys. Cold, it reads the row from Postgres; warm, a process before it has
 * counted the hot keys, and this one has read them before it says that it is ready.
 */

import type { Case, CaseContext, Findings, Operation, Variant, VariantKind } from '../harness/case.ts';
import { USER_COUNT, usersOf } from './users.ts';

const HOT_KEYS = 256;
/** Reads of each key that the hot keys are counted from: one read of 16 is counted, and a key never counted is not warmed. */
const READS_BEFORE = 400;

function firstRequests(kind: VariantKind, warms: boolean): Variant {
  return {
    kind,
    async setup(context: CaseContext): Promise<Operation> {
      const { createCache, memoryTier } = await import('@hotpath/cache');
      const { redisTier } = await import('@hotpath/cache/redis');
      const { Redis } = await import('ioredis');
      const { default: pg } = await import('pg');
      const pool = new pg.Pool({ connectionString: context.postgresUrl, min: 5, max: 20 });
      const table = `warm_${context.uniqueName}`;
      await pool.query(`CREATE TABLE ${table} (id int PRIMARY KEY, row json)`);
      const users = usersOf(context.seed);
      await pool.query(
        `INSERT INTO ${table} SELECT (u->>'id')::int, u FROM json_array_elements($1::json) AS u`,
        [JSON.stringify(users)],
      );
      const client = new Redis(context.redisUrl);
      const open = () => {
        const cache = createCache({
          tiers: [memoryTier(), redisTier({ client, deadlineMs: 2000 })],
          namespace: context.uniqueName,
        });
        const definition = cache.define<unknown, number>({
          name: 'user',
          hotKeys: { idOf: Number },
          load: async (id) => {
            const { rows } = await pool.query<{ row: unknown }>(`SELECT row FROM ${table} WHERE id = $1`, [
              id,
            ]);
            return rows[0]?.row;
          },
        });
        return { cache, definition };
      };
      // Yesterday's process: half of all keys are hot.
      const before = open();
      await before.cache.ready();
      for (let round = 0; round < READS_BEFORE; round++) {
        await before.definition.getMany(Array.from({ length: HOT_KEYS }, (_, id) => id));
      }
      await before.definition.saveHotKeys();
      await before.definition.clear();
      await before.cache.close();
      const { cache, definition } = open();
      await cache.ready();
      const times: number[] = [];
      return {
        async run() {
          if (warms) await definition.warm(await definition.hotKeys(HOT_KEYS), { concurrency: 16 });
          for (let id = 0; id < HOT_KEYS; id++) {
            const startedAt = process.hrtime.bigint();
            await definition.get(id);
            times.push(Number(process.hrtime.bigint() - startedAt));
          }
        },
        answer: async () => await definition.getMany([0, 1, HOT_KEYS - 1]),
        findings: (): Findings => {
          times.sort((a, b) => a - b);
          const value = times[Math.ceil(0.99 * times.length) - 1] ?? 0;
          return {
            measurements: [{ metric: 'time', unit: 'ns p99 of first requests', value, better: 'less' }],
          };
        },
        async close() {
          await cache.clear();
          await cache.close();
          client.disconnect();
          await pool.query(`DROP TABLE ${table}`);
          await pool.end();
        },
      };
    },
  };
}

const cases: readonly Case[] = [
  {
    id: 'K2',
    case: 'first request to a hot key',
    package: 'cache',
    tier: 'guide',
    params: { hotKeys: HOT_KEYS, users: USER_COUNT },
    guide: null,
    needs: ['postgres', 'redis'],
    async: true,
    experiment: true,
    settings: 'both on this machine',
    variants: { naive: firstRequests('naive', false), ours: firstRequests('ours', true) },
  },
];

export default cases;
