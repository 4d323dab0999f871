import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** The interface that every server of the launcher listens on. */
export const LOOPBACK = '127.0.0.1';

/**
 * Ports are taken from below every system's ephemeral range (Linux starts at 32768, macOS and Windows at 49152): there,
 * a client that reconnects to a stopped server can be given that very port as its own, connect to itself and so keep
 * the server from coming back. A Redis Cluster node also takes port + 10000, which must stay below that range too.
 */
const FIRST_PORT = 10_240;
const LAST_PORT = 22_767;

/** Where Redis Cluster's nodes talk to each other, relative to the port that clients use. */
export const CLUSTER_BUS_OFFSET = 10_000;

const ATTEMPTS = 100;

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => {
      resolve(false);
    });
    server.listen({ port, host: LOOPBACK, exclusive: true }, () => {
      server.close(() => {
        resolve(true);
      });
    });
  });
}

/**
 * A random port that is free now, together with the ports at the given offsets from it. Somebody else may take it
 * before it is used: whoever binds it must be ready to ask for another.
 */
export async function choosePort(offsets: readonly number[] = []): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = randomInt(FIRST_PORT, LAST_PORT + 1);
    const free = await Promise.all([0, ...offsets].map((offset) => isFree(port + offset)));
    if (free.every(Boolean)) return port;
  }
  throw new Error(
    `no free port between ${FIRST_PORT} and ${LAST_PORT} on ${LOOPBACK} in ${ATTEMPTS} attempts`,
  );
}
