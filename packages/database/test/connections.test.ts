import { createDatabase } from '@hotpath/database';
import type { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { READY, report, startFakeServer } from './fake-server.ts';

test('a connection that is refused behind its sign-in was never opened, and so is not closed', async () => {
  await using server = await startFakeServer({
    welcome: Buffer.concat([READY, report('FATAL', '57P01')]),
  });
  await using db = createDatabase({ connectionString: server.url, min: 1, max: 1 });
  await db.warm();
  expect(db.metrics()).toMatchObject({ opened: 0, closed: 0, total: 0, connectFailures: 1 });
});

test('closed at once while the way to the server is being measured, a statement behind that is cancelled', async () => {
  let arrived = (_socket: Socket): void => {};
  const probed = new Promise<Socket>((resolve) => {
    arrived = resolve;
  });
  let cancels = 0;
  await using server = await startFakeServer({
    welcome: READY,
    onData: (socket) => {
      arrived(socket);
    },
    onCancel: () => {
      cancels++;
      void probed.then((socket) => socket.write(Buffer.concat([report('ERROR', '57014'), READY])));
    },
  });
  const db = createDatabase({ connectionString: server.url, min: 0, max: 1 });
  const read = expect(db.query('SELECT 1', [])).rejects.toMatchObject({
    code: 'ERR_HOTPATH_DATABASE_CLOSED',
  });
  // The answer to the probe is on its way when the connection is destroyed.
  (await probed).write(READY);
  await db.close({ drainMs: 0 });
  await read;
  // On a busy machine it may be asked for again.
  expect(cancels).toBeGreaterThan(0);
});
