// What benchmarks/test/setup/services.ts provides, for this project, whose root ends above it.
import 'vitest';

declare module 'vitest' {
  interface ProvidedContext {
    postgresUrl: string;
    redisUrl: string;
  }
}
