/** The servers of this machine that take part in a measurement: which processes they are, and what each takes. */

import { readdirSync, readFileSync } from 'node:fs';
import { Redis } from 'ioredis';
import type pg from 'pg';

/** By name, the process at the root; a server of another machine is left out. */
export interface LocalServers {
  readonly postgres?: number;
  readonly redis?: number;
}

/** Of those that are given. */
export async function findLocalServers({
  postgres,
  redisUrl,
}: {
  readonly postgres?: pg.Client;
  readonly redisUrl?: string;
}): Promise<LocalServers> {
  const redisPid = redisUrl === undefined ? Number.NaN : await askRedis(redisUrl);
  const postgresPid = postgres === undefined ? Number.NaN : await askPostgres(postgres);
  return {
    ...(read(`/proc/${postgresPid}/comm`).startsWith('postgres') ? { postgres: postgresPid } : {}),
    ...(/^(redis|valkey)/.test(read(`/proc/${redisPid}/comm`)) ? { redis: redisPid } : {}),
  };
}

async function askRedis(redisUrl: string): Promise<number> {
  const redis = new Redis(redisUrl);
  const info = await redis.info('server').finally(() => {
    redis.disconnect();
  });
  return Number(/process_id:(\d+)/.exec(info)?.[1]);
}

async function askPostgres(client: pg.Client): Promise<number> {
  // Not everybody may read that file; such a server is left out.
  const { rows } = await client
    .query<{ pid: string }>(`SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1) AS pid`)
    .catch(() => ({ rows: [] }));
  return Number(rows[0]?.pid);
}

/** The servers may be another machine's, where the same number is something else, or nothing. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** The kernel counts a process's time in hundredths of a second, whatever its own clock. */
const TICKS_A_SECOND = 100;

interface ProcessTime {
  readonly parent: number;
  /** Its own, and that of the children it has buried. */
  readonly seconds: number;
}

/** @param stat the text of `/proc/<pid>/stat`, whose second field may hold spaces and brackets. */
function parseStat(stat: string): ProcessTime {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  return { parent: Number(fields[1]), seconds: ticks / TICKS_A_SECOND };
}

/** Seconds of processor time that each of these processes took, with all below it; nothing where there is no `/proc`. */
export function cpuSeconds(roots: Readonly<Record<string, number>>): Record<string, number> {
  if (process.platform !== 'linux') return {};
  const times = new Map<number, ProcessTime>();
  for (const pid of readdirSync('/proc')) {
    const stat = /^\d+$/.test(pid) ? read(`/proc/${pid}/stat`) : '';
    if (stat !== '') times.set(Number(pid), parseStat(stat));
  }
  const isBelow = (pid: number, root: number): boolean => {
    let at: number | undefined = pid;
    while (at !== undefined && at !== root) at = times.get(at)?.parent;
    return at === root;
  };
  return Object.fromEntries(
    Object.entries(roots).map(([name, root]) => {
      let sum = 0;
      for (const [pid, { seconds }] of times) if (isBelow(pid, root)) sum += seconds;
      return [name, sum];
    }),
  );
}
