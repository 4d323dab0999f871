import { createDatabase } from '@hotpath/database';
import { describe, expect, inject, test } from 'vitest';
import { startProxy } from '../../../benchmarks/dist/services/index.js';

const url = inject('postgresUrl');

describe.skipIf(url === '')('health on a real Postgres', () => {
  test('is good when a statement gets through, and tells a pool without a free connection, a silent server and a closed one', async () => {
    const proxy = await startProxy(url);
    const db = createDatabase({ connectionString: proxy.url, max: 1, min: 0, cancelGraceMs: 50 });
    try {
      expect(await db.health()).toMatchObject({
        healthy: true,
        error: undefined,
        metrics: { max: 1, total: 1 },
      });

      const lease = await db.acquire();
      const exhausted = await db.health({ timeoutMs: 30 });
      expect(exhausted).toMatchObject({
        healthy: false,
        error: { code: 'ERR_HOTPATH_DATABASE_ACQUIRE_TIMEOUT' },
      });
      expect(exhausted.metrics).toMatchObject({ active: 1, waiting: 0 });
      lease.release();
      expect(await db.health()).toMatchObject({ healthy: true });

      proxy.halfOpen(true);
      expect(await db.health({ timeoutMs: 50 })).toMatchObject({
        healthy: false,
        error: { code: 'ERR_HOTPATH_DATABASE_QUERY_TIMEOUT' },
      });
    } finally {
      await db.close({ drainMs: 0 });
      await proxy.stop();
    }
    expect(await db.health()).toMatchObject({
      healthy: false,
      error: { code: 'ERR_HOTPATH_DATABASE_CLOSED' },
    });
    await expect(db.health({ timeoutMs: 0 })).rejects.toMatchObject({
      code: 'ERR_HOTPATH_DATABASE_ARGUMENT_RANGE',
    });
  });
});
