// Each feature names what it exports, and is a subpath of its own.
export * from './arena/index.ts';
export * from './bytes/index.ts';
export * from './heap/index.ts';
export * from './pool/index.ts';
export * from './soa/index.ts';
export * from './vec/index.ts';
