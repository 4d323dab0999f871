/**
 * A keep-alive connection that has one request under way. It knows of HTTP what our services answer with (a status and a
 * content-length) and costs a tenth of `node:http`'s client, which would be busier than the server it measures.
 */

import { connect, type Socket } from 'node:net';

export interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

/** The connection ended before it had answered. */
export class ConnectionEndedError extends Error {
  override readonly name = 'ConnectionEndedError';
  readonly code = 'ERR_HOTPATH_BENCHMARKS_CONNECTION_ENDED';
}

const HEAD_END = Buffer.from('\r\n\r\n');
const CONTENT_LENGTH = /\r\ncontent-length: (\d+)/i;
const CLOSE = /\r\nconnection: close/i;

interface Pending {
  resolve(answer: Answer): void;
  reject(error: Error): void;
}

export class Connection {
  readonly #socket: Socket;
  readonly #host: string;
  #received: Buffer = Buffer.alloc(0);
  #pending: Pending | undefined;
  /** False once it cannot take another request. */
  open = true;

  constructor(port: number, host = '127.0.0.1') {
    this.#host = `${host}:${port}`;
    this.#socket = connect({ port, host, noDelay: true });
    this.#socket.on('data', (chunk) => {
      this.#take(chunk);
    });
    this.#socket.on('error', () => {});
    this.#socket.once('close', () => {
      this.open = false;
      this.#pending?.reject(new ConnectionEndedError('the connection ended before it had answered'));
      this.#pending = undefined;
    });
  }

  /** @throws {ConnectionEndedError} */
  ask(method: string, path: string, body = ''): Promise<Answer> {
    if (!this.open) return Promise.reject(new ConnectionEndedError('the connection has ended'));
    const length =
      body === '' ? '' : `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n`;
    return new Promise((resolve, reject) => {
      this.#pending = { resolve, reject };
      this.#socket.write(`${method} ${path} HTTP/1.1\r\nHost: ${this.#host}\r\n${length}\r\n${body}`);
    });
  }

  close(): void {
    this.open = false;
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    const received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    this.#received = received;
    const end = received.indexOf(HEAD_END);
    if (end === -1) return;
    const head = received.toString('latin1', 0, end);
    const bodyStart = end + HEAD_END.length;
    const length = Number(CONTENT_LENGTH.exec(head)?.[1] ?? 0);
    if (received.length < bodyStart + length) return;
    this.#received = received.subarray(bodyStart + length);
    if (CLOSE.test(head)) this.close();
    const pending = this.#pending;
    this.#pending = undefined;
    pending?.resolve({
      status: Number(head.slice(9, 12)),
      body: received.subarray(bodyStart, bodyStart + length),
    });
  }
}
