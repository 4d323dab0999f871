export { type CloseOptions, type Database, createDatabase } from './database.ts';
export {
  AcquireTimeoutError,
  ClosedError,
  ConnectError,
  ConnectionLostError,
  DatabaseError,
  type DatabaseErrorCode,
  DecodeError,
  FoldError,
  IndexBuildError,
  type IndexBuildFailure,
  InsertError,
  ArgumentTypeError,
  ArgumentRangeError,
  type LeaseHolder,
  NoRowError,
  OpenTransactionError,
  QueryError,
  QueryTimeoutError,
  QueueFullError,
  ReleasedError,
  RolledBackError,
  type ServerReport,
  TooManyRowsError,
  isRetryable,
} from './errors.ts';
export type { DatabaseHealth, HealthOptions } from './health.ts';
export type { TableName } from './insert/identifier.ts';
export { insertMany } from './insert/insert-many.ts';
export type {
  InsertManyOptions,
  InsertManyResult,
  InsertProgress,
  InsertStrategy,
} from './insert/insert-options.ts';
export type { Rows } from './insert/row-source.ts';
export type { OnConflict } from './insert/sql.ts';
export { type Nest, nest } from './join/nest.ts';
export { type NestLoadOptions, type NestStep, type TableNest, nestTables } from './join/nest-tables.ts';
export type { NestSpec, Nested } from './join/spec.ts';
export type { ChildSpec, LevelSpec, NestedTables, TableNestSpec } from './join/table-spec.ts';
export { type Loader, type LoaderKey, type LoaderResult, loader } from './lookup/loader.ts';
export type { LoaderSpec } from './lookup/loader-options.ts';
export type { LeasedConnection } from './pool/lease.ts';
export type { Clock, ConnectOptions, DatabaseOptions, TypeParsers } from './pool/options.ts';
export type { DatabaseMetrics } from './pool/metrics.ts';
export type { AcquireOptions } from './pool/pool.ts';
export type { RowStream, StreamOptions, Streaming } from './pool/stream.ts';
export type { IsolationLevel, Transaction, TransactionOptions } from './pool/transaction.ts';
export type {
  QueryOptions,
  QueryResult,
  Queryable,
  QueryableResult,
  ResultField,
  Session,
} from './queryable.ts';
export { type Sql, type SqlTag, sql } from './sql/sql.ts';
