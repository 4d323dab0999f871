import type { Socket } from 'node:net';
import { type PgClient, PgClientClass, PgQueryClass, pgTypes } from './pg-internals.ts';
import type { ResolvedOptions } from './options.ts';
import { socketTo } from './socket-to.ts';
import { Statement } from './statement.ts';

/**
 * The way to the server with nothing but what `pg` publishes, for a version whose internals are not as expected: its own queries,
 * one at a time, and its own decoding. The statement is settled at `drain`, which `pg` emits once the server is ready again.
 *
 * COPY and portals stay submittables, as pg-copy-streams and pg-cursor are.
 */
export function queryPlainly(client: PgClient, statement: Statement, options: ResolvedOptions): void {
  if (statement.constructor !== Statement) {
    client.query(statement);
    return;
  }
  const { text, values } = statement.request;
  const types = options.types ?? pgTypes;
  const config = {
    text,
    values,
    types: { getTypeParser: (oid: number) => types.getTypeParser(oid, 'text') },
    // Without it, an empty list of values would mean the simple protocol.
    ...(values === undefined ? {} : { queryMode: 'extended' }),
  };
  const query = new PgQueryClass(config, (error, result) => {
    statement.takePlainly(error, result);
  });
  if (values !== undefined) {
    query.handleCopyInResponse = (connection) => {
      statement.handleCopyInResponse(connection);
    };
  }
  client.query(query);
}

/** A socket of ours for a client: `pg` takes one, and so it need not be asked for its own. */
export function plainSocket(address?: string): { readonly socket: Socket; readonly config: object } {
  const socket = socketTo(address);
  return { socket, config: { stream: () => socket, pipeline: false } };
}

/**
 * Asks the server to cancel what a connection is executing, by `pg_cancel_backend` on a connection of its own: when that has been
 * answered, the signal has been sent.
 *
 * @returns a function that gives up.
 */
export function cancelPlainly(
  config: object,
  address: string | undefined,
  processId: number,
  done: (error: Error | undefined) => void,
): () => void {
  const { socket, config: plain } = plainSocket(address);
  const client = new PgClientClass({ ...config, ...plain });
  let ended = false;
  const end = (error: Error | undefined): void => {
    if (ended) return;
    ended = true;
    socket.destroy();
    done(error);
  };
  client.on('error', end);
  client.connect((failure) => {
    if (failure) {
      end(failure);
      return;
    }
    client.query({ text: 'SELECT pg_cancel_backend($1)', values: [processId] }, (error) => {
      end(error ?? undefined);
    });
  });
  return () => {
    end(new Error('gave up'));
  };
}
