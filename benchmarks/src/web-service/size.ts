/** How much data there is. */
export interface Size {
  readonly users: number;
  readonly posts: number;
}

/** Of a plain run, and a tenth of it for a look in seconds. */
export const FULL_SIZE: Size = { users: 100_000, posts: 1_000_000 };
export const QUICK_SIZE: Size = { users: 10_000, posts: 100_000 };
