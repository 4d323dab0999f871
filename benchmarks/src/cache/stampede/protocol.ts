/** Between the process that counts and those that read through a loader that throws. */

import type { ReaderPlace, Way } from './readers.ts';

/** What a process is started with. */
export interface ReaderPlan extends ReaderPlace {
  readonly way: Way;
}

export type ToReader =
  /** Ask for a key so many times at once. */
  | { readonly kind: 'read'; readonly key: string; readonly missCount: number }
  /** Loads of this key may throw, each `loadMs` after it began. */
  | { readonly kind: 'throw'; readonly key: string; readonly loadMs: number }
  | { readonly kind: 'stop' };

/** Moments are by `nowMs`. */
export type FromReader =
  | { readonly kind: 'ready' }
  /** All reads of the key have begun, and its load too, here or, as far as can be told, elsewhere. */
  | { readonly kind: 'waiting'; readonly key: string }
  | { readonly kind: 'thrown'; readonly key: string; readonly at: number }
  | { readonly kind: 'answered'; readonly key: string; readonly lastAt: number; readonly errorCount: number };

export const MESSAGE = 'the database is gone';
