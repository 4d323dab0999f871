import type { Socket } from 'node:net';
import pg from 'pg';

/**
 * The inner parts of `pg` that the connection is built on, typed here because its own types leave them out. The
 * dependency is pinned to one version for their sake, and the tests run against that version.
 */
export interface PgConnection {
  readonly stream: Socket;
  connect(port: number | string, host?: string): void;
  requestSsl(): void;
  cancel(processId: number, secretKey: number): void;
  parse(statement: { readonly text: string; readonly name: string }): void;
  query(text: string): void;
  sendCopyFail(message: string): void;
  on(event: 'readyForQuery', listener: (message: { readonly status: TransactionStatus }) => void): this;
  on(event: 'connect' | 'sslconnect' | 'end', listener: () => void): this;
  on(event: 'error', listener: (error: Error) => void): this;
}

/** `I` idle, `T` in a transaction, `E` in a transaction that failed. */
export type TransactionStatus = 'I' | 'T' | 'E';

export interface PgClient {
  readonly connection: PgConnection;
  readonly host: string;
  readonly port: number;
  readonly ssl: unknown;
  readonly sslNegotiation: string;
  readonly processID: number;
  readonly secretKey: number;
  connect(callback: (error: Error | null | undefined) => void): void;
  query(submittable: object): unknown;
  end(callback: () => void): void;
  on(event: 'error', listener: (error: Error) => void): this;
  on(event: 'end', listener: () => void): this;
}

interface Internals {
  readonly Client: new (config: object) => PgClient;
  readonly Connection: new (config: object) => PgConnection;
  readonly utils: { readonly prepareValue: (value: unknown) => string | Buffer | null };
  readonly Query: { readonly prototype: object };
}

const internals = pg as unknown as Internals;

export const PgClientClass: Internals['Client'] = internals.Client;
export const PgConnectionClass: Internals['Connection'] = internals.Connection;
/** Turns a value that is none of the simple ones (a Date, an array, an object) into its text. */
export const prepareValue: (value: unknown) => string | Buffer | null = internals.utils.prepareValue;
export const pgQueryPrototype: object = internals.Query.prototype;
export const pgTypes: { getTypeParser(oid: number, format: 'text'): (text: string) => unknown } = pg.types;
