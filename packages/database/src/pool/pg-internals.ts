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
  sync(): void;
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
  query(config: object, callback: PgCallback): void;
  getTransactionStatus(): TransactionStatus | null;
  end(callback: () => void): void;
  on(event: 'error', listener: (error: Error) => void): this;
  on(event: 'end' | 'drain', listener: () => void): this;
}

/** The published part of `pg.Result` that is read where the internals are not as expected. */
export interface PgResult {
  readonly command: string | null;
  readonly rowCount: number | null;
  readonly rows: object[];
  readonly fields: readonly { readonly name: string; readonly dataTypeID: number }[];
}

type PgCallback = (error: Error | undefined, result: PgResult | PgResult[]) => void;

interface Internals {
  readonly Query: new (
    config: object,
    callback: PgCallback,
  ) => { handleCopyInResponse(connection: PgConnection): void };
  readonly Client: new (config: object) => PgClient;
  readonly Connection: new (config: object) => PgConnection;
  readonly utils?: { readonly prepareValue: (value: unknown) => string | Buffer | null };
  readonly DatabaseError: new (message: string, length: number, name: 'error') => Error;
}

const internals = pg as unknown as Internals;

export const PgClientClass: Internals['Client'] = internals.Client;
/** Published, as the client is. */
export const PgQueryClass: Internals['Query'] = internals.Query;
export const PgConnectionClass: Internals['Connection'] = internals.Connection;
/** Turns a value that is none of the simple ones (a Date, an array, an object) into its text. */
export const prepareValue: (value: unknown) => string | Buffer | null =
  internals.utils?.prepareValue ??
  (() => {
    throw new Error('the installed version of pg does not say how it encodes a value');
  });
/** An error as the server reported it. */
export const PgDatabaseError: Internals['DatabaseError'] = internals.DatabaseError;
export const pgTypes: { getTypeParser(oid: number, format: 'text'): (text: string) => unknown } = pg.types;

const STREAM_METHODS = ['write', 'cork', 'uncork', 'destroy', 'removeAllListeners', 'on', 'once'];
const CONNECTION_METHODS = [
  'connect',
  'requestSsl',
  'cancel',
  'parse',
  'query',
  'sendCopyFail',
  'sync',
  'on',
];
const CLIENT_METHODS = ['connect', 'query', 'end', 'on'];
const CLIENT_FIELDS = ['host', 'port', 'ssl', 'sslNegotiation', 'processID', 'secretKey'];
/**
 * What of the internals is not as the connection expects it: names such as `Connection.prototype.parse`; empty when all is well.
 * Opens nothing; some ten microseconds.
 */
export function missingInternals(): string[] {
  const missing: string[] = [];
  const methods = (name: string, object: unknown, expected: readonly string[]): void => {
    for (const method of expected) {
      if (typeof (object as Readonly<Record<string, unknown>> | undefined)?.[method] !== 'function') {
        missing.push(`${name}.${method}`);
      }
    }
  };
  methods('pg', internals, ['Client', 'Connection', 'DatabaseError']);
  methods('pg.utils', internals.utils, ['prepareValue']);
  methods('Connection.prototype', internals.Connection?.prototype, CONNECTION_METHODS);
  methods('Client.prototype', internals.Client?.prototype, CLIENT_METHODS);
  if (missing.length > 0) return missing;
  const client = new internals.Client({ host: 'localhost', ssl: false });
  for (const field of CLIENT_FIELDS) if (!(field in client)) missing.push(`client.${field}`);
  methods('client.connection.stream', client.connection?.stream, STREAM_METHODS);
  return missing;
}

let told = false;

/** True when the internals are as expected; otherwise tells it, once a process. */
export function internalsHold(): boolean {
  const missing = missingInternals();
  if (missing.length === 0) return true;
  if (!told) {
    told = true;
    process.emitWarning(
      `the installed version of pg lacks ${missing.join(', ')}: statements go through its plain queries, one a connection at a time`,
      { type: 'HotpathDatabaseWarning', code: 'HOTPATH_DATABASE_PLAIN' },
    );
  }
  return false;
}
