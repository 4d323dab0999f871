import { createDatabase } from '@hotpath/database';
import { naiveParts } from '../naive/service.ts';
import { naiveUsers } from '../naive/users.ts';
import type { Parts, ServiceConfig } from '../parts.ts';
import { isUnavailable } from '../optimised/users.ts';

/** Statements go to a pool of connections instead of one each. */
export function poolStep(config: ServiceConfig): Parts {
  const db = createDatabase({ connectionString: config.databaseUrl, max: 20, min: 5 });
  const users = naiveUsers(
    async <Row extends object>(text: string, values: unknown[]) => (await db.query<Row>(text, values)).rows,
  );
  return {
    ...naiveParts(config),
    users: { ...users, isUnavailable },
    prepare: () => db.warm(),
    close: () => db.close(),
  };
}
