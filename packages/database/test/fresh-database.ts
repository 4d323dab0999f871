import { type Database, type DatabaseOptions, createDatabase } from '@hotpath/database';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, inject } from 'vitest';
import {
  type FreshDatabase,
  createDatabase as createFreshDatabase,
} from '../../../benchmarks/dist/services/index.js';

/** Of the shared server; empty where no Postgres can be had, and then tests of one are to be skipped. */
export const postgresUrl = inject('postgresUrl');

/** A database of a suite's own, and what is opened on it. */
export interface Fixture {
  /** From the first hook of the suite on. */
  readonly url: string;
  /** A connection beside those under test: looks, and kills. */
  readonly admin: pg.Client;
  /** Opens a pool that is cut off after the test. */
  readonly open: (options?: DatabaseOptions) => Database;
  /** Opens a pool that is closed after the suite. */
  readonly keep: (options?: DatabaseOptions) => Database;
}

/** Makes the database before the suite that calls this, and drops it behind everything else of the suite. */
export function freshDatabase(defaults: DatabaseOptions = {}): Fixture {
  let fresh: FreshDatabase | undefined;
  let admin: pg.Client | undefined;
  const opened: Database[] = [];
  const kept: Database[] = [];
  const make = (options: DatabaseOptions | undefined, list: Database[]): Database => {
    const db = createDatabase({ connectionString: fresh!.url, min: 0, ...defaults, ...options });
    list.push(db);
    return db;
  };
  beforeAll(async () => {
    fresh = await createFreshDatabase(postgresUrl);
    admin = new pg.Client({ connectionString: fresh.url });
    await admin.connect();
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((db) => db.close({ drainMs: 0 })));
  });
  afterAll(async () => {
    await Promise.all(kept.map((db) => db.close({ drainMs: 0 })));
    await admin?.end();
    await fresh?.drop();
  });
  return {
    get url() {
      return fresh!.url;
    },
    get admin() {
      return admin!;
    },
    open: (options) => make(options, opened),
    keep: (options) => make(options, kept),
  };
}
