/**
 * Which cores a case's processes run on. Left to itself, the kernel puts a measuring process and the server that it asks now on
 * one core and now on two, for seconds at a time; a round trip then takes the switch between two processes, or the waking of
 * a sleeping core, which in a virtual machine takes several times as long. An interval over both says nothing of either.
 */

import pg from 'pg';
import { findLocalServers } from '../services/local-servers.ts';
import { allCores, canPin, pin, pinMainThread } from '../services/pinning.ts';
import type { Case } from './case.ts';

/** Of the measuring process; the other is the servers', where they have one. */
const CLIENT_CORE = 0;
const OTHER_CORE = 1;

/** Where a case's processes are put: nowhere, unless the case asks for it and the system allows it. */
export class Placement {
  /** Where not what the case asked for. */
  readonly note: string | undefined;
  readonly #clientCore: number | undefined;
  readonly #servers: readonly number[];

  private constructor(clientCore: number | undefined, servers: readonly number[] = [], note?: string) {
    this.#clientCore = clientCore;
    this.#servers = servers;
    this.note = note;
  }

  /** Moves the servers. */
  static async open(
    { placement, needs = [] }: Pick<Case, 'placement' | 'needs'>,
    { postgresUrl, redisUrl }: { readonly postgresUrl: string; readonly redisUrl: string },
  ): Promise<Placement> {
    if (placement === undefined) return new Placement(undefined);
    if (!canPin()) return new Placement(undefined, [], 'its processes could not be pinned to cores');
    const servers: number[] = [];
    for (const need of needs) {
      const pid = need === 'redis' ? await redisPid(redisUrl) : await postgresPid(postgresUrl);
      if (pid === undefined || !pin(pid, String(placement === 'apart' ? OTHER_CORE : CLIENT_CORE))) {
        for (const moved of servers) pin(moved, allCores());
        return new Placement(undefined, [], `its ${need} is none that could be pinned to a core`);
      }
      servers.push(pid);
    }
    return new Placement(CLIENT_CORE, servers);
  }

  /** Moves a measuring process. */
  place(pid: number): void {
    if (this.#clientCore !== undefined) pinMainThread(pid, String(this.#clientCore));
  }

  /** Lets the servers go where they like. */
  [Symbol.dispose](): void {
    for (const pid of this.#servers) pin(pid, allCores());
  }
}

async function redisPid(redisUrl: string): Promise<number | undefined> {
  return (await findLocalServers({ redisUrl })).redis;
}

async function postgresPid(postgresUrl: string): Promise<number | undefined> {
  const client = new pg.Client(postgresUrl);
  await client.connect();
  try {
    return (await findLocalServers({ postgres: client })).postgres;
  } finally {
    await client.end();
  }
}
