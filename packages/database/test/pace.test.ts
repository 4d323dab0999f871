import { describe, expect, test } from 'vitest';
import { Pace } from '../dist/pool/pace.js';
import { RoundTrip } from '../dist/pool/round-trip.js';

describe('the round trip', () => {
  test('is 0 until a probe was answered, whatever else took how long', () => {
    const roundTrip = new RoundTrip();
    roundTrip.take(3);
    expect(roundTrip.ms).toBe(0);
    expect(roundTrip.due(0)).toBe(true);
    roundTrip.take(30);
    expect(roundTrip.ms).toBe(30);
  });

  test('is the least that an answer took, lately', () => {
    const roundTrip = new RoundTrip();
    roundTrip.due(0);
    for (const ms of [30, 25, 40]) roundTrip.take(ms);
    expect(roundTrip.ms).toBe(25);
    // The way became longer: believed in the second window after.
    expect(roundTrip.due(10_000)).toBe(true);
    roundTrip.take(60);
    expect(roundTrip.ms).toBe(25);
    expect(roundTrip.due(20_000)).toBe(true);
    roundTrip.take(61);
    expect(roundTrip.ms).toBe(60);
    // Shorter: at once.
    roundTrip.take(2);
    expect(roundTrip.ms).toBe(2);
  });

  test('is asked for often at first, then every ten seconds', () => {
    const roundTrip = new RoundTrip();
    let probes = 0;
    const until = (from: number, to: number): number => {
      const before = probes;
      for (let now = from; now < to; now++) if (roundTrip.due(now)) probes++;
      return probes - before;
    };
    expect(until(0, 1_000)).toBe(7);
    expect(until(1_000, 30_000)).toBeLessThan(8);
    expect(until(30_000, 130_000)).toBe(10);
  });
});

describe('what an answer cost the server', () => {
  test('is the time since it had reached the server, or since the answer before', () => {
    const pace = new Pace();
    pace.roundTrip.due(0);
    expect(pace.answered(0, 30)).toBe(30);
    pace.progressAt = 100;
    // Alone on a quiet connection: 2 ms besides the way.
    expect(pace.answered(100, 132)).toBe(2);
    // Three sent together: the second and the third are answered right behind the first.
    pace.progressAt = 200;
    expect([pace.answered(200, 233), pace.answered(200, 234), pace.answered(200, 238)]).toEqual([3, 1, 4]);
    // Sent while another was under way: not the wait for that one's answer.
    expect(pace.answered(235, 265)).toBe(0);
    expect(pace.answered(236, 268)).toBe(2);
  });

  test('is never negative, when an answer comes sooner than any before', () => {
    const pace = new Pace();
    pace.roundTrip.due(0);
    pace.answered(0, 30);
    pace.progressAt = 50;
    expect(pace.answered(50, 51)).toBe(0);
    expect(pace.roundTrip.ms).toBe(1);
  });

  test('an answer is overdue when the way and the time for the work are over', () => {
    const pace = new Pace();
    pace.roundTrip.due(0);
    pace.answered(0, 30);
    pace.progressAt = 100;
    expect(pace.overdue(139, 10)).toBe(false);
    expect(pace.overdue(140, 10)).toBe(true);
  });
});
