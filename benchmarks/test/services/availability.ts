import { ServiceMissingError } from '../../dist/services/errors.js';
import { findPostgres } from '../../dist/services/postgres-binaries.js';
import { findRedis } from '../../dist/services/redis-binaries.js';
import { leaveHome, withHome } from '../../dist/services/server.js';
import { unprivilegedUser } from '../../dist/services/unprivileged.js';

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Why no Postgres can be started here; empty if one can. For `test.skipIf(…)`. */
export async function postgresMissing(): Promise<string> {
  const user = await unprivilegedUser();
  if (user === 'none') return 'no user to run Postgres as';
  try {
    await withHome(user === undefined ? {} : { owner: user }, async (home) => {
      await findPostgres(home, user);
      await leaveHome(home.watchdog, home.folder);
    });
    return '';
  } catch (error) {
    if (!(error instanceof ServiceMissingError)) throw error;
    console.error(`SKIPPED: ${messageOf(error)}`);
    return messageOf(error);
  }
}

/** Why no Redis can be started here; empty if one can. */
export async function redisMissing(): Promise<string> {
  try {
    await findRedis();
    return '';
  } catch (error) {
    if (!(error instanceof ServiceMissingError)) throw error;
    console.error(`SKIPPED: ${messageOf(error)}`);
    return messageOf(error);
  }
}
