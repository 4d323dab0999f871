/**
 * Which cores a case's processes run on. Left to itself, the kernel puts a measuring process and the server that it asks now on
 * one core and now on two, for seconds at a time; a round trip then takes the switch between two processes, or the waking of
 * a sleeping core, which in a virtual machine takes several times as long. An interval over both says nothing of either.
 */

import pg from 'pg';
import { findLocalServers } from '../services/local-servers.ts';
import { canPin, pinForNow, pinMainThread } from '../services/pinning.ts';
import type { Case } from './case.ts';

/** Of the measuring process; the other is the servers', where they have one. */
const CLIENT_CORE = 0;
const OTHER_CORE = 1;

/** Where a case's processes are put: nowhere, unless the case asks for it and the system allows it. */
export class Placement {
  /** Where not what the case asked for. */
  readonly note: string | undefined;
  readonly #clientCore: number | undefined;
  /** What puts each server back. */
  readonly #unpins: readonly (() => void)[];

  private constructor(clientCore: number | undefined, unpins: readonly (() => void)[] = [], note?: string) {
    this.#clientCore = clientCore;
    this.#unpins = unpins;
    this.note = note;
  }

  /** Moves the servers: all that the case needs, or none. */
  static async open(
    { placement, needs = [] }: Pick<Case, 'placement' | 'needs'>,
    { postgresUrl, redisUrl }: { readonly postgresUrl: string; readonly redisUrl: string },
  ): Promise<Placement> {
    if (placement === undefined) return new Placement(undefined);
    if (!canPin()) return new Placement(undefined, [], 'its processes could not be pinned to cores');
    const core = String(placement === 'apart' ? OTHER_CORE : CLIENT_CORE);
    const unpins: (() => void)[] = [];
    for (const need of needs) {
      // A server that may not be asked, or does not answer, is the case's own matter: here it stays where it is.
      const pid = await (need === 'redis' ? redisPid(redisUrl) : postgresPid(postgresUrl)).catch(
        () => undefined,
      );
      const unpin = pid === undefined ? undefined : pinForNow(pid, core);
      if (unpin === undefined) {
        for (const undo of unpins) undo();
        return new Placement(undefined, [], `its ${need} is none that could be pinned to a core`);
      }
      unpins.push(unpin);
    }
    return new Placement(CLIENT_CORE, unpins);
  }

  /** Moves a measuring process. */
  place(pid: number): void {
    if (this.#clientCore !== undefined) pinMainThread(pid, String(this.#clientCore));
  }

  /** Puts the servers back where they were. */
  [Symbol.dispose](): void {
    for (const unpin of this.#unpins) unpin();
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
