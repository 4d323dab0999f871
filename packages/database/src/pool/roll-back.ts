import type { Lease } from './lease.ts';

/** Rolls back before the caller hears of the failure, so that its locks are gone by then. */
export async function rollBack(lease: Lease, timeoutMs: number): Promise<void> {
  try {
    await lease.query('ROLLBACK', undefined, { timeoutMs });
    lease.release();
  } catch {
    // The first failure is the one to tell; this connection is of no more use.
    lease.destroy();
  }
}
