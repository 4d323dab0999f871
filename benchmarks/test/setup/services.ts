/**
 * Real servers for the integration tests: one Postgres and one Redis for all `*.int.test.ts` files of a run, both
 * without durability, found (DATABASE_URL, REDIS_URL) or started, and stopped at the end.
 *
 * ```ts
 * import { inject, test } from 'vitest';
 *
 * const url = inject('postgresUrl'); // or 'redisUrl'
 *
 * test.skipIf(url === '')('inserts 10 000 rows', async () => { … });
 * ```
 *
 * The URL is empty when the service cannot be had; why is on the console, before the tests. Files run in parallel and
 * share the servers, so:
 * - Postgres: a file makes itself a database with `createDatabase(url)` of the launcher, and drops it at its end;
 * - Redis: every key and channel of a file begins with a prefix of its own, `${randomUUID()}:`; no FLUSHALL, no CONFIG SET;
 * - a test that stops, hangs, restarts or reconfigures a server starts one of its own with `startPostgres` or
 *   `startRedis`, both from `benchmarks/dist/services/index.js`.
 */
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** URL of a Postgres for tests, its user may create databases; empty if there is none. */
    postgresUrl: string;
    /** URL of a Redis for tests; empty if there is none. */
    redisUrl: string;
  }
}

/** As that of `bench`. */
const LEFT_OUT_EXIT_CODE = 3;

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  // Loaded late: the root's setup has built it by now.
  const { connectServices, describeMissing } = await import('../../dist/services/index.js');
  const services = await connectServices({ postgres: true, redis: true, durable: false });
  project.provide('postgresUrl', services.postgres?.url ?? '');
  project.provide('redisUrl', services.redis?.url ?? '');
  for (const service of [services.postgres, services.redis]) {
    if (service !== undefined) console.log(`services: ${service.description}`);
  }
  for (const missing of services.missing) {
    console.error(`\n!!! ${describeMissing(missing)}\n!!! Its integration tests are SKIPPED.\n`);
  }
  // Left out is not passed: the run's exit code says so, unless it says worse already.
  if (services.missing.length > 0) {
    process.once('exit', (code) => {
      if (code === 0) process.exitCode = LEFT_OUT_EXIT_CODE;
    });
  }
  return () => services.stop();
}
