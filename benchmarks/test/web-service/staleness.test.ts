import { beforeEach, describe, expect, test } from 'vitest';
import { WriteHistory } from '../../dist/web-service/load/staleness.js';

const KEY = 7;

describe('a history of writes, with 100 ms for a message', () => {
  let history: WriteHistory;

  beforeEach(() => {
    history = new WriteHistory(100);
    history.sent(KEY, 'a', 0);
    history.acknowledged(KEY, 'a', 10);
  });

  test('knows the keys that were written', () => {
    expect([history.has(KEY), history.has(8)]).toEqual([true, false]);
    expect(history.isStale(8, 'anything', 1e6)).toBe(false);
  });

  test('what was there before the first write is stale once the message had its time', () => {
    expect(history.isStale(KEY, 'before', 110)).toBe(false);
    expect(history.isStale(KEY, 'before', 111)).toBe(true);
    expect(history.isStale(KEY, 'a', 1e6)).toBe(false);
  });

  test('a value is stale when a later write was acknowledged, and its message had its time', () => {
    history.sent(KEY, 'b', 20);
    expect(history.isStale(KEY, 'a', 1e6)).toBe(false);
    history.acknowledged(KEY, 'b', 30);
    expect(history.isStale(KEY, 'a', 130)).toBe(false);
    expect(history.isStale(KEY, 'a', 131)).toBe(true);
    expect(history.isStale(KEY, 'b', 1e6)).toBe(false);
  });

  test('of writes that overlap either may be the last', () => {
    history.sent(KEY, 'b', 5);
    history.acknowledged(KEY, 'b', 30);
    expect([history.isStale(KEY, 'a', 1e6), history.isStale(KEY, 'b', 1e6)]).toEqual([false, false]);
  });

  test('a write that was never acknowledged makes nothing stale, and may be what is read', () => {
    history.sent(KEY, 'lost', 20);
    expect([history.isStale(KEY, 'a', 1e6), history.isStale(KEY, 'lost', 1e6)]).toEqual([false, false]);
  });
});
