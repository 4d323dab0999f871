import { expect, test } from 'vitest';
import { startPostgres, startProxy } from '../../dist/services/index.js';
import { withPostgres } from '../../dist/services/postgres-client.js';
import { postgresMissing } from './availability.ts';

test('a connection to a host that never answers is given up and leaves no socket', async () => {
  await using silent = await startProxy({ port: 1 });
  silent.halfOpen(true);
  const url = `postgres://me@127.0.0.1:${silent.port}/x`;
  await expect(withPostgres(url, (client) => client.query('SELECT 1'), 200)).rejects.toThrow(/timeout/);
});

test.skipIf((await postgresMissing()) !== '')('so is a server that hangs after the login', async () => {
  await using server = await startPostgres({ durable: false });
  const answer = withPostgres(
    server.url,
    async (client) => {
      await server.hang();
      return await client.query('SELECT 1');
    },
    500,
  );
  await expect(answer).rejects.toThrow(/timeout/);
});
