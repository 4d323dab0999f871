/** What keeps a thread busy while a monitor watches it: the same JSON in the event loop alone, or behind a server. */

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';

export const USERS = 40;
/** Enough that the next request waits while one is answered. */
export const CONNECTIONS = 8;

const LOAD_CLIENT = fileURLToPath(new URL('load-client.js', import.meta.url));

export interface Busy {
  /** One share of work, some 50 µs; what comes out is the same each time. */
  share(): number;
  /** Waits until so many more shares of work are done. */
  work(count: number): Promise<void>;
  close(): Promise<void>;
}

function jsonShare(seed: number): () => number {
  const users = Array.from({ length: USERS }, (_, id) => ({
    id,
    name: `user ${(id * 7919 + seed) % 1000}`,
    email: `user${id}@example.com`,
    tags: ['a', 'b', 'c'],
  }));
  const text = JSON.stringify(users);
  return () => JSON.stringify(JSON.parse(text)).length;
}

/** Turns of the event loop, each with its share of work: timers and observers get their time in between. */
export function busyLoop(seed: number): Promise<Busy> {
  const share = jsonShare(seed);
  return Promise.resolve({
    share,
    async work(count) {
      for (let left = count; left > 0; left--) {
        share();
        await new Promise<void>((resolve) => {
          setImmediate(resolve);
        });
      }
    },
    close: () => Promise.resolve(),
  });
}

/** An HTTP server in this process, each answer a share of work, asked without a pause by a process of its own. */
export async function busyService(seed: number): Promise<Busy> {
  const share = jsonShare(seed);
  let left = 0;
  let done = (): void => {};
  const server = createServer((_, response) => {
    response.end(String(share()));
    if (--left === 0) done();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = fork(LOAD_CLIENT, [String(port), String(CONNECTIONS)], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const ended = once(client, 'exit');
  return {
    share,
    async work(count) {
      const enough = new Promise<void>((resolve) => {
        left = count;
        done = resolve;
      });
      const outcome = await Promise.race([enough, ended]);
      if (outcome !== undefined) throw new Error('the load client ended too early');
    },
    async close() {
      client.kill();
      await ended;
      server.closeAllConnections();
      server.close();
    },
  };
}
