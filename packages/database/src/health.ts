import type { DatabaseMetrics } from './pool/metrics.ts';
import type { LeasedConnection } from './pool/lease.ts';

/** Options of `health`. */
export interface HealthOptions {
  /** Time for the whole answer, in milliseconds; 1 or more. Default 2,000. */
  readonly timeoutMs?: number | undefined;
}

/** Whether a statement gets through, and the pool's numbers. */
export interface DatabaseHealth {
  readonly healthy: boolean;
  /** From the call to the answer or the failure, in milliseconds; the wait for a connection is part of it. */
  readonly latencyMs: number;
  /** Why not: no connection in time, the server refused or was silent, the database is closed. */
  readonly error: unknown;
  readonly metrics: DatabaseMetrics;
}

/** Asks for a connection and then for an answer, within one time limit. Never rejects. */
export async function checkHealth(
  db: {
    acquire(options: { readonly timeoutMs: number }): Promise<LeasedConnection>;
    metrics(): DatabaseMetrics;
  },
  timeoutMs: number,
  now: () => number,
): Promise<DatabaseHealth> {
  const start = now();
  let error: unknown;
  let healthy = false;
  try {
    const lease = await db.acquire({ timeoutMs });
    try {
      const leftMs = Math.max(1, Math.floor(timeoutMs - (now() - start)));
      await lease.query('SELECT 1', undefined, { timeoutMs: leftMs });
      healthy = true;
    } finally {
      lease.release();
    }
  } catch (reason) {
    error = reason;
  }
  return { healthy, latencyMs: now() - start, error, metrics: db.metrics() };
}
