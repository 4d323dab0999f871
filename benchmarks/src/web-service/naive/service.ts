import type { Parts, ServiceConfig } from '../parts.ts';
import { naiveAccessLog } from './access-log.ts';
import { naiveBodies } from './bodies.ts';
import { naiveUsers, queryByConnecting } from './users.ts';

/** The service as the guide begins. */
export function naiveParts(config: ServiceConfig): Parts {
  return {
    users: naiveUsers(queryByConnecting(config.databaseUrl)),
    log: naiveAccessLog(config.accessLog),
    bodies: naiveBodies(),
    async prepare() {},
    metrics: () => ({ process: process.memoryUsage() }),
    async close() {},
  };
}
