/**
 * What a service is made of. Routes, checks and answers are in `service.ts`, once; how a user is found, a body read and a
 * request logged are the parts, and each part exists naively and optimised. So two services that differ in one part
 * differ in nothing else.
 */

import type { Readable } from 'node:stream';

/** What a client sends to make or change a user. */
export interface NewUser {
  readonly name: string;
  readonly email: string;
}

export interface User extends NewUser {
  readonly id: number;
}

export interface Post {
  readonly id: number;
  readonly title: string;
  readonly body: string;
}

export interface UserWithPosts extends User {
  readonly posts: readonly Post[];
}

/** JSON text, ready to be sent. */
export type Json = string;

/** A value that is there, or is on its way. */
export type Soon<T> = T | Promise<T>;

/** Users on a page of `GET /users`. */
export const PAGE_USERS = 20;
/** Bytes of a request's body, and of one block of the buffer pool. */
export const BODY_BYTES_MAX: number = 64 * 1024;

export interface Users {
  /** A user, `undefined` when there is none. */
  find(id: number): Soon<Json | undefined>;
  /** A user's posts in the order of their ids, `undefined` when there is no such user. */
  posts(id: number): Soon<Json | undefined>;
  /** The next {@link PAGE_USERS} users with an id above `after`, each with its posts. */
  page(after: number): Promise<Json>;
  create(user: NewUser): Promise<Json>;
  /** `undefined` when there is no such user. Who reads after this resolved sees the change. */
  update(id: number, user: NewUser): Promise<Json | undefined>;
  /** Rejects when no user can be read or written. */
  check(): Promise<void>;
  /** Whether an error says that the database is out of reach, not that a program is wrong. */
  isUnavailable(error: unknown): boolean;
}

export interface AccessLog {
  /** Whether a request waits for its line: `write` then returns a promise. */
  readonly awaited: boolean;
  write(line: string): Soon<void>;
}

export interface Bodies {
  /**
   * Reads a body of at most {@link BODY_BYTES_MAX} bytes and parses it.
   *
   * @throws {RequestError} with the status to answer.
   */
  read(payload: Readable): Promise<unknown>;
  /** What goes to the socket for this JSON. */
  encode(json: Json): Json | Buffer;
}

export interface Parts {
  readonly users: Users;
  readonly log: AccessLog;
  readonly bodies: Bodies;
  /** Resolves when the service is as fast as it will be; requests are accepted afterwards. */
  prepare(): Promise<void>;
  /** What `GET /metrics` tells. */
  metrics(): object;
  /** After the last request: writes what is buffered, lets go of every connection. */
  close(): Promise<void>;
}

/** Where a service finds what it needs. */
export interface ServiceConfig {
  readonly databaseUrl: string;
  readonly redisUrl: string;
  /** Path of the access log. */
  readonly accessLog: string;
  /** Begins every key in Redis, so that two services can share one. Default `hotpath`. */
  readonly namespace?: string;
  /** Users that are read into memory before the first request. Default 5,000; 0 starts cold. */
  readonly warmUsers?: number;
}

/** A request that is answered with this status: 4xx with the message, 503 without. No fault of the program. */
export class RequestError extends Error {
  override readonly name = 'RequestError';
  readonly code = 'ERR_HOTPATH_BENCHMARKS_REQUEST';
  readonly statusCode: number;

  constructor(statusCode: number, message: string) {
    super(message);
    this.statusCode = statusCode;
  }
}
