import { ConnectionLostError } from '../errors.ts';
import { type Connection, unref } from './connection.ts';
import type { Clock } from './options.ts';
import { Statement } from './statement.ts';

/** Sends a statement of the pool's own. A connection that does not answer it within `limitMs`, or with an error, is destroyed. */
export function sendOwn(connection: Connection, text: string, clock: Clock, limitMs: number): void {
  const fail = (cause: unknown): void => {
    clock.clearTimeout(timer);
    connection.destroy(new ConnectionLostError(cause));
  };
  const timer = clock.setTimeout(() => {
    fail(new Error(`no answer within ${limitMs} ms`));
  }, limitMs);
  unref(timer);
  const request = { text, call: undefined, name: '', changesSession: false, shareable: false };
  const done = (): void => {
    clock.clearTimeout(timer);
  };
  connection.send(new Statement(request, 'internal', done, fail));
}
