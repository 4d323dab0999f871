export {
  connectServices,
  describeMissing,
  type ConnectOptions,
  type ConnectedService,
  type MissingService,
  type Services,
} from './connect.ts';
export {
  ServiceMissingError,
  ServiceOptionError,
  ServiceStartError,
  ServiceStoppedError,
  ServiceUnreachableError,
  ServicesError,
  WatchdogError,
  type ServiceName,
} from './errors.ts';
export { createDatabase, type FreshDatabase } from './postgres-client.ts';
export { startPostgres, PostgresServer, type PostgresOptions } from './postgres.ts';
export { startRedis, RedisServer, type RedisMode, type RedisOptions } from './redis.ts';
export { ManagedServer, type ServerState } from './server.ts';
