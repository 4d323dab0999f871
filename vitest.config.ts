// A bare `vitest` reads this name only; the configuration itself is in vitest.workspace.ts.
export { default } from './vitest.workspace.ts';
