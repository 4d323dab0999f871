/** A snapshot of a database's pool: counts now, and totals since it was made. */
export interface DatabaseMetrics {
  readonly max: number;
  readonly min: number;
  /** Open connections. */
  readonly total: number;
  readonly idle: number;
  /** Lent, executing, or being cleaned. */
  readonly active: number;
  readonly connecting: number;
  /** Callers waiting for a connection. */
  readonly waiting: number;
  /** Connections that carry shared reads right now; part of `active`. */
  readonly lanes: number;
  /**
   * True when the installed `pg` is not built as expected, which a process warning `HOTPATH_DATABASE_PLAIN` tells, too: statements
   * go through its plain queries, one a connection at a time, without lanes and prepared statements.
   */
  readonly plain: boolean;
  readonly opened: number;
  readonly closed: number;
  readonly connectFailures: number;
  readonly acquireTimeouts: number;
  /** Transactions left open by a user, rolled back. */
  readonly rollbacks: number;
  /** Connections reset because a user had changed the session. */
  readonly resets: number;
  /** Leases that were lost without a release, or still held when the database was closed by force. */
  readonly leaks: number;
}
