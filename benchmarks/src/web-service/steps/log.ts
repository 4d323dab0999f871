import { naiveParts } from '../naive/service.ts';
import { optimisedAccessLog } from '../optimised/access-log.ts';
import type { Parts, ServiceConfig } from '../parts.ts';

/** The access log is buffered, and no request waits for it. */
export function logStep(config: ServiceConfig): Parts {
  const log = optimisedAccessLog(config.accessLog);
  return { ...naiveParts(config), log, close: () => log.writer.close() };
}
