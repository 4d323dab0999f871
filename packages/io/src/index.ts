// Each feature names what it exports, and is a subpath of its own.
export * from './batcher/index.ts';
export * from './concurrency/index.ts';
export * from './files/index.ts';
export * from './log/index.ts';
export * from './writer/index.ts';
