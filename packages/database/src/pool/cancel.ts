import { type PgClient, PgConnectionClass } from './pg-internals.ts';
import { socketTo } from './socket-to.ts';

/**
 * Asks the server to cancel what a connection is executing, on a socket of its own, and resolves when the server has closed
 * that socket: only then has the signal been sent, and only then may the connection be used for something else. (Reusing
 * it earlier lets a late cancel hit the next statement.)
 *
 * @param address of the server that the connection went to; `undefined` on a Unix socket.
 * @returns a function that gives up.
 */
export function requestCancel(
  client: PgClient,
  address: string | undefined,
  done: (error: Error | undefined) => void,
): () => void {
  const { ssl, sslNegotiation } = client;
  const connection = new PgConnectionClass({ ssl, sslNegotiation, stream: socketTo(address) });
  let ended = false;
  const end = (error: Error | undefined): void => {
    if (ended) return;
    ended = true;
    connection.stream.destroy();
    done(error);
  };
  const send = (): void => {
    sent = true;
    connection.cancel(client.processID, client.secretKey);
  };
  let sent = false;
  connection.on('connect', () => {
    if (!ssl) send();
    else if (sslNegotiation !== 'direct') connection.requestSsl();
  });
  connection.on('sslconnect', send);
  connection.on('error', (error) => {
    // The server closes without a word; a reset after the request is its way to hang up, too.
    end(sent && (error as NodeJS.ErrnoException).code === 'ECONNRESET' ? undefined : error);
  });
  connection.on('end', () => {
    end(sent ? undefined : new Error('the server closed the connection before the cancel request'));
  });
  if (client.host.startsWith('/')) connection.connect(`${client.host}/.s.PGSQL.${client.port}`);
  else connection.connect(client.port, client.host);
  return () => {
    end(new Error('gave up'));
  };
}
