import type { SyncGrouping } from './statement-texts.ts';
import type { Statement } from './statement.ts';

/**
 * Most statements that share a Sync. The more, the less each costs the server: 10.4 µs alone, 5.5 among 10, 4.3 among 50. But none
 * is answered before the last, and while the server works on one group, the client should be busy with another.
 */
export const GROUP_MAX = 32;

/**
 * What a group is expected to take the server at the most, in milliseconds. Its first call waits for its last, so of a text that takes
 * long few share a Sync, or none. Without the way to the server and back, which they share.
 */
const GROUP_MS_MAX = 5;

/** A group that took the server longer than this, in milliseconds, would have been better off apart. */
export const SLOW_GROUP_MS = 10;

/** A text of which some calls failed together, or took too long together, goes out with a Sync a call this many times. */
const ALONE_AFTER_TROUBLE = 1_000;

/** A group may be this many times as large as any before it of its text, so that nothing is known of few calls only. */
const GROUP_GROWS = 2;

/** An expectation falls by this part of the way to what is measured; it rises to it at once. */
const EXPECTATION_FALLS = 0.25;

/** Longer calls are not copied into a common message: a Sync is little beside them. */
const CALL_BYTES_MAX = 4_096;

const SYNC = Buffer.from([0x53, 0, 0, 0, 4]);

/**
 * Cuts what goes out in one turn of the event loop into exchanges: calls of the same text share a Sync where that changes nothing
 * (see {@link sharesSync}), everything else has its own.
 */
export function exchangesOf(
  statements: readonly Statement[],
  isPrepared: (name: string) => boolean,
): Statement[][] {
  const exchanges: Statement[][] = [];
  const open = new Map<string, Statement[]>();
  for (const statement of statements) {
    const { name } = statement.request;
    const group = open.get(name);
    if (!sharesSync(statement)) {
      exchanges.push([statement]);
    } else if (group !== undefined && group.length < groupMax(statement)) {
      group.push(statement);
    } else {
      const first = [statement];
      exchanges.push(first);
      if (group !== undefined || isPrepared(name)) open.set(name, first);
    }
  }
  return exchanges;
}

/**
 * A group is one transaction to the server: nobody in it is answered before all of it has succeeded, and when one fails, each is
 * executed once more, alone. So only what may be executed twice is grouped: reads that call nothing of the users'. And only calls of
 * one text: together they lock no more tables than one of them does, so there is no deadlock that was not there before (but with whoever
 * locks partitions one by one).
 */
function sharesSync({ request }: Statement): boolean {
  const { group, call } = request;
  if (group === undefined || call === undefined || call.length > CALL_BYTES_MAX) return false;
  if (group.alone === 0) return true;
  group.alone--;
  return false;
}

/** How many calls of its text may share a Sync. */
function groupMax({ request }: Statement): number {
  const { callMs, most } = request.group!;
  return Math.min(most, Math.floor(GROUP_MS_MAX / callMs));
}

/** Learns from an exchange: so many calls of a text took so many milliseconds of the server's, or of our own, time. */
export function expectCalls(grouping: SyncGrouping, calls: number, ms: number): void {
  const callMs = ms / calls;
  const above = grouping.callMs - callMs;
  grouping.callMs = above > 0 ? grouping.callMs - above * EXPECTATION_FALLS : callMs;
  // Groups that were under way when one met trouble say nothing against beginning small.
  if (grouping.alone > 0) return;
  grouping.most = Math.max(grouping.most, Math.min(GROUP_MAX, calls * GROUP_GROWS));
}

/** Has the calls of a text go out apart for a while; then groups begin small again. */
export function goApart(grouping: SyncGrouping): void {
  grouping.alone = ALONE_AFTER_TROUBLE;
  grouping.most = 1;
}

/** The calls of a group in one message, with one Sync at its end. */
export function joinCalls(group: readonly Statement[]): Buffer {
  let bytes = SYNC.length;
  for (const { request } of group) bytes += request.call!.length - SYNC.length;
  const joined = Buffer.allocUnsafe(bytes);
  let at = 0;
  for (const { request } of group) {
    const call = request.call!;
    at += call.copy(joined, at, 0, call.length - SYNC.length);
  }
  SYNC.copy(joined, at);
  return joined;
}
