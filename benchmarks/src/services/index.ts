export {
  connectServices,
  describeMissing,
  type ConnectOptions,
  type ConnectedService,
  type MissingService,
  type Services,
} from './connect.ts';
export { startRedisCluster, type RedisCluster } from './cluster.ts';
export {
  ServiceMissingError,
  ServiceOptionError,
  ServiceRefusedError,
  ServiceStartError,
  ServiceStoppedError,
  ServiceUnreachableError,
  ServicesError,
  WatchdogError,
  type ServiceName,
} from './errors.ts';
export { createGuardedFolder, type GuardedFolder } from './guarded-folder.ts';
export { createDatabase, type FreshDatabase } from './postgres-client.ts';
export { startPostgres, PostgresServer, type PostgresOptions } from './postgres.ts';
export { startProxy, FaultProxy, type ProxyDirection, type ProxyOptions, type ProxyTarget } from './proxy.ts';
export { startRedis, RedisServer, type RedisMode, type RedisOptions } from './redis.ts';
export { startRedisSentinel, type RedisSentinel, type SentinelOptions } from './sentinel.ts';
export { ManagedServer, type ServerState } from './server.ts';
export { buildSyscallShim, whyNoSyscallShim, type SyscallFaults, type SyscallShim } from './syscall-shim.ts';
