import { channel, type Channel } from 'node:diagnostics_channel';

/** Published on `hotpath:cache:load` after each call of a loader. */
export interface LoadEvent {
  readonly region: string;
  /** How many keys the call asked for. */
  readonly keyCount: number;
  readonly durationMs: number;
  /** What the loader threw, if it did. */
  readonly error?: unknown;
}

/** Published on `hotpath:cache:changed` when keys are dropped because they changed, here or elsewhere. */
export interface ChangedEvent {
  readonly region: string;
  /** `undefined` when all of them did. */
  readonly keys: readonly string[] | undefined;
  readonly from: 'here' | 'elsewhere';
}

/** Published on `hotpath:cache:tier` when a tier fails, misses its deadline, is cut off or comes back. */
export interface TierEvent {
  readonly tier: string;
  readonly what: 'error' | 'timeout' | 'breaker-open' | 'breaker-closed' | 'bus-up' | 'bus-down';
  readonly error?: unknown;
}

/** Each costs nothing while nobody listens: publishers look at `hasSubscribers` before they build an event. */
export const loadChannel: Channel = channel('hotpath:cache:load');
export const changedChannel: Channel = channel('hotpath:cache:changed');
export const tierChannel: Channel = channel('hotpath:cache:tier');

export function publishTierEvent(tier: string, what: TierEvent['what'], error?: unknown): void {
  if (!tierChannel.hasSubscribers) return;
  const event: TierEvent = error === undefined ? { tier, what } : { tier, what, error };
  tierChannel.publish(event);
}
