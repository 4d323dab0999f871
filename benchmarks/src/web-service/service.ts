/** The routes and their answers, the same for every service: see `parts.ts`. */

import type { IncomingMessage } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import {
  fastify,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify';
import { BODY_BYTES_MAX, type Json, type NewUser, type Parts, RequestError, type Soon } from './parts.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** By the monotonic clock; for the access log. */
    startedMs: number;
  }
}

export interface Service {
  readonly app: FastifyInstance;
  /** Prepares the parts, then listens. @returns the port. */
  listen(port: number, host?: string): Promise<number>;
  /** Answers what was accepted, within {@link Limits.drainMs}, then closes everything. May be called again. */
  close(): Promise<void>;
}

/** How long a client, or a close, may take, in milliseconds. */
export interface Limits {
  /** A request is here whole within this time, its headers within half of it; else 408. */
  readonly requestMs: number;
  /** A connection with an answer to come or to be read, on which nothing moves for this time, is cut. */
  readonly stalledMs: number;
  /** While closing: what is not answered and read after this time is cut. */
  readonly drainMs: number;
}

const LIMITS: Limits = { requestMs: 10_000, stalledMs: 30_000, drainMs: 10_000 };
/** Node looks for late requests every 30 s unless it is told: a limit of 10 s would be one of 40 s. */
const LOOKS_A_LIMIT = 10;
/** While closing: time for keep-alive clients to see `connection: close` and for a balancer to see `/healthz` fail. */
const LAME_DUCK_MS = 100;
/** Ids are Postgres integers. */
const ID_MAX = 2 ** 31 - 1;
const ID = /^[1-9]\d{0,9}$/;
/** Text without control characters: Postgres refuses NUL, and nobody is called by a line break. */
const TEXT = '^[^\\u0000-\\u001f\\u007f]+$';

const NEW_USER = {
  type: 'object',
  required: ['name', 'email'],
  additionalProperties: false,
  properties: {
    name: { type: 'string', minLength: 1, maxLength: 200, pattern: TEXT },
    email: {
      type: 'string',
      minLength: 3,
      maxLength: 254,
      pattern: '^[^\\s@\\u0000-\\u001f]+@[^\\s@\\u0000-\\u001f]+$',
    },
  },
};

function parseId(text: string): number {
  const id = ID.test(text) ? Number(text) : 0;
  if (id < 1 || id > ID_MAX) throw new RequestError(400, `id: expected 1 to ${ID_MAX}`);
  return id;
}

function parseAfter(query: unknown): number {
  const { after } = query as { after?: unknown };
  if (after === undefined || after === '0') return 0;
  if (typeof after !== 'string') throw new RequestError(400, 'after: expected one id');
  return parseId(after);
}

class AssembledService implements Service {
  readonly app: FastifyInstance;
  readonly #parts: Parts;
  readonly #drainMs: number;
  #closing: Promise<void> | undefined;

  constructor(parts: Parts, { requestMs, stalledMs, drainMs }: Limits) {
    this.#parts = parts;
    this.#drainMs = drainMs;
    this.app = fastify({
      bodyLimit: BODY_BYTES_MAX,
      requestTimeout: requestMs,
      connectionTimeout: stalledMs,
      http: { headersTimeout: requestMs / 2, connectionsCheckingInterval: requestMs / LOOKS_A_LIMIT },
      // What arrives on an open connection while closing is answered, not refused.
      return503OnClosing: false,
      forceCloseConnections: 'idle',
      // No type is coerced, and a member that nobody asked for is an error.
      ajv: { customOptions: { coerceTypes: false, removeAdditional: false } },
    });
    this.#readBodies();
    this.#writeLog();
    this.#answerErrors();
    this.#addRoutes();
  }

  async listen(port: number, host = '127.0.0.1'): Promise<number> {
    try {
      await this.#parts.prepare();
      await this.app.listen({ port, host });
    } catch (error) {
      await this.close();
      throw error;
    }
    const address = this.app.server.address();
    return typeof address === 'object' && address !== null ? address.port : port;
  }

  close(): Promise<void> {
    this.#closing ??= this.#drain();
    return this.#closing;
  }

  async #drain(): Promise<void> {
    const { server } = this.app;
    if (server.listening) await delay(LAME_DUCK_MS);
    // A server that closes looks for late requests no more: a client that dawdles would hold it for ever.
    const cut = setTimeout(() => {
      server.closeAllConnections();
    }, this.#drainMs);
    try {
      await this.app.close();
    } finally {
      clearTimeout(cut);
      await this.#parts.close();
    }
  }

  #readBodies(): void {
    const { bodies } = this.#parts;
    this.app.removeAllContentTypeParsers();
    this.app.addContentTypeParser('application/json', (_request: FastifyRequest, payload: IncomingMessage) =>
      bodies.read(payload),
    );
  }

  #writeLog(): void {
    const { log } = this.#parts;
    this.app.decorateRequest('startedMs', 0);
    this.app.addHook('onRequest', (request, _reply, done) => {
      request.startedMs = performance.now();
      done();
    });
    const line = (reply: FastifyReply): string => {
      const { method, url, startedMs } = reply.request;
      // JSON keeps what a client sent inside its quotes.
      return `{"at":${Date.now()},"method":"${method}","url":${JSON.stringify(url)},"status":${reply.statusCode},"ms":${(performance.now() - startedMs).toFixed(2)}}\n`;
    };
    if (log.awaited) {
      this.app.addHook('onSend', async (_request, reply) => {
        await log.write(line(reply));
      });
      return;
    }
    this.app.addHook('onResponse', (_request, reply, done) => {
      void log.write(line(reply));
      done();
    });
  }

  #answerErrors(): void {
    this.app.setErrorHandler<FastifyError>((error, _request, reply) => {
      // Of a refused body the rest is not read, so the connection cannot be used again.
      if (error.statusCode === 413) void reply.header('connection', 'close');
      if (error.validation !== undefined) return this.#refuse(reply, 400, error.message);
      const status = error.statusCode ?? 500;
      if (status >= 400 && status < 500) return this.#refuse(reply, status, error.message);
      if (status === 503 || this.#parts.users.isUnavailable(error))
        return this.#refuse(reply, 503, 'unavailable');
      // The message may quote a statement: it is for the operator, not for the client.
      process.emitWarning(error);
      return this.#refuse(reply, 500, 'internal error');
    });
    this.app.setNotFoundHandler((_request, reply) => this.#refuse(reply, 404, 'not found'));
  }

  #addRoutes(): void {
    const { users } = this.#parts;
    this.app.get<{ Params: { id: string } }>('/users/:id', ({ params }, reply) =>
      this.#answer(reply, users.find(parseId(params.id))),
    );
    this.app.get<{ Params: { id: string } }>('/users/:id/posts', ({ params }, reply) =>
      this.#answer(reply, users.posts(parseId(params.id))),
    );
    this.app.get('/users', ({ query }, reply) => this.#answer(reply, users.page(parseAfter(query))));
    this.app.post<{ Body: NewUser }>('/users', { schema: { body: NEW_USER } }, async ({ body }, reply) =>
      this.#send(reply.code(201), await users.create(body)),
    );
    this.app.put<{ Params: { id: string }; Body: NewUser }>(
      '/users/:id',
      { schema: { body: NEW_USER } },
      async ({ params, body }, reply) => this.#answer(reply, await users.update(parseId(params.id), body)),
    );
    this.app.get('/healthz', async (_request, reply) => {
      if (this.#closing !== undefined) return this.#refuse(reply, 503, 'closing');
      await users.check();
      return this.#send(reply, '{"status":"ok"}');
    });
    this.app.get('/metrics', (_request, reply) => this.#send(reply, JSON.stringify(this.#parts.metrics())));
  }

  /** A value that is there is sent in this very turn; no promise is made for it. */
  #answer(reply: FastifyReply, found: Soon<Json | undefined>): FastifyReply | Promise<FastifyReply> {
    if (found instanceof Promise) return found.then((json) => this.#sendOr404(reply, json));
    return this.#sendOr404(reply, found);
  }

  #sendOr404(reply: FastifyReply, json: Json | undefined): FastifyReply {
    return json === undefined ? this.#refuse(reply, 404, 'not found') : this.#send(reply, json);
  }

  #send(reply: FastifyReply, json: Json): FastifyReply {
    if (this.#closing !== undefined) void reply.header('connection', 'close');
    return reply.type('application/json; charset=utf-8').send(this.#parts.bodies.encode(json));
  }

  #refuse(reply: FastifyReply, status: number, error: string): FastifyReply {
    return this.#send(reply.code(status), JSON.stringify({ error }));
  }
}

/** A service of these parts. It owns them: `close` closes them. */
export function assembleService(parts: Parts, limits: Partial<Limits> = {}): Service {
  return new AssembledService(parts, { ...LIMITS, ...limits });
}
