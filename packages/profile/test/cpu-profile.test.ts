import { describe, expect, test } from 'vitest';
import type { V8CpuProfile } from '@hotpath/profile';
import { ArgumentRangeError, ArgumentTypeError } from '@hotpath/profile';
import { CpuProfile } from '../dist/cpu/cpu-profile.js';
import { eventsOf } from '../dist/cpu/speedscope.js';
import { deepProfile, node, profileOf } from './v8-profiles.ts';

const read = (profile: V8CpuProfile): CpuProfile => new CpuProfile(undefined, profile, new Map());

// main calls parse and, through it, main again; a third of the time nothing happens.
const NODES = [
  node(1, '(root)', [2, 3, 7]),
  node(2, '(idle)'),
  node(3, 'main', [4, 6], ['file:///app/main.js', 9, 4]),
  node(4, 'parse', [5]),
  node(5, 'main', [], ['file:///app/main.js', 9, 4]),
  node(6, 'write'),
  node(7, '(garbage collector)'),
];
const SAMPLES = [2, 3, 4, 5, 5, 6, 2, 7, 2, 4];

describe('the times of a profile', () => {
  test('are those between its samples, the last one up to the end, idle time apart', () => {
    const profile = read(profileOf(NODES, SAMPLES));
    expect(profile).toMatchObject({ durationMs: 10, idleMs: 3, sampleCount: 10 });
    expect(profile.root).toMatchObject({ name: '(root)', self: 0, total: 7 });
    expect(profile.root.children.map(({ name, self, total }) => [name, self, total])).toEqual([
      ['main', 1, 6],
      ['(garbage collector)', 0 + 1, 1],
    ]);
  });

  test('are uneven where the samples are', () => {
    const even = profileOf(NODES, [3, 4, 6]);
    const profile = read({ ...even, timeDeltas: [500, 100, 2000], endTime: even.startTime + 10_000 });
    const sums = Object.fromEntries(profile.top().map(({ name, selfMs }) => [name, selfMs]));
    expect(sums).toEqual({ main: 0.1, parse: 2, write: 7.4, '(garbage collector)': 0 });
  });

  test('never go back where the clock does', () => {
    const even = profileOf(NODES, [3, 4, 6, 6]);
    const profile = read({ ...even, timeDeltas: [0, 1000, -5000, 1000] });
    const sums = profile.top().map(({ selfMs }) => selfMs);
    expect(Math.min(...sums)).toBeGreaterThanOrEqual(0);
    expect(profile.root.total).toBeLessThanOrEqual(profile.durationMs);
  });

  test('are nothing without samples, or without nodes', () => {
    expect(read({ nodes: [], startTime: 0, endTime: 0 })).toMatchObject({ sampleCount: 0, durationMs: 0 });
    const profile = read({ nodes: NODES, startTime: 3, endTime: 2 });
    expect(profile.root.total).toBe(0);
    expect(profile.flameGraph()).toContain('No samples.');
    expect(profile.speedscope().profiles[0]!.events).toEqual([]);
  });

  test('skip children and samples that no node has, and circles', () => {
    const nodes = [node(1, '(root)', [2, 99]), node(2, 'main', [1, 2])];
    expect(read(profileOf(nodes, [2, 77])).root).toMatchObject({ total: 1, children: [{ total: 1 }] });
  });
});

describe('the top functions', () => {
  test('sum all calls of a function, and count a call of itself once', () => {
    const profile = read(profileOf(NODES, SAMPLES));
    expect(profile.top(2)).toEqual([
      {
        name: 'main',
        url: 'file:///app/main.js',
        line: 10,
        column: 5,
        selfMs: 3,
        totalMs: 6,
        selfShare: 3 / 7,
      },
      {
        name: 'parse',
        url: 'file:///app/main.js',
        line: 5,
        column: 1,
        selfMs: 2,
        totalMs: 4,
        selfShare: 2 / 7,
      },
    ]);
    expect(profile.top().map(({ name }) => name)).toEqual(['main', 'parse', '(garbage collector)', 'write']);
  });

  test('of equal times come in the same order, whatever the order of the nodes', () => {
    const names = ['delta', 'alpha', 'charlie', 'bravo'];
    const order = (listed: readonly string[]): string[] => {
      const place = (name: string) => [`file:///app/${name}.js`, 1, 1] as const;
      const nodes = [
        node(1, '(root)', [2, 3, 4, 5]),
        ...listed.map((name, at) => node(at + 2, name, [], place(name))),
      ];
      return read(profileOf(nodes, [2, 3, 4, 5]))
        .top()
        .map(({ name }) => name);
    };
    expect(order(names)).toEqual(['alpha', 'bravo', 'charlie', 'delta']);
    expect(order(names.toReversed())).toEqual(['alpha', 'bravo', 'charlie', 'delta']);
  });

  test.each<[unknown, Error]>([
    ['3', new ArgumentTypeError('count: expected an integer, got string')],
    [0, new ArgumentRangeError('count: expected an integer from 1 to 100000, got 0')],
  ])('refuse a count of %j', (count, error) => {
    expect(() => read(profileOf(NODES, SAMPLES)).top(count as number)).toThrow(error);
  });
});

describe('a speedscope file', () => {
  test('opens and closes what changes between two samples', () => {
    const file = read(profileOf(NODES, [4, 4, 6, 2])).speedscope('tried');
    const { events, endValue } = file.profiles[0]!;
    const told = events.map(({ type, at, frame }) => `${type} ${at} ${file.shared.frames[frame]!.name}`);
    expect(told).toEqual([
      'O 0 main',
      'O 0 parse',
      'C 2000 parse',
      'O 2000 write',
      'C 3000 write',
      'C 3000 main',
      'O 3000 (idle)',
      'C 4000 (idle)',
    ]);
    expect(endValue).toBe(4000);
    expect(file.shared.frames).toContainEqual({
      name: 'main',
      file: 'file:///app/main.js',
      line: 10,
      col: 5,
    });
    expect(file.shared.frames).toContainEqual({ name: '(garbage collector)' });
    expect(file).toMatchObject({
      $schema: 'https://www.speedscope.app/file-format-schema.json',
      name: 'tried',
    });
  });
});

test.each([
  ['an empty profile', profileOf([], [])],
  ['a short one', profileOf(NODES, SAMPLES)],
  ['samples of nodes that are not there', profileOf(NODES, [4, 99, 6, 99])],
  ['deep recursion', deepProfile(1000)],
])('the events of a speedscope file are counted without making them: %s', (_, profile) => {
  expect(eventsOf(profile)).toBe(read(profile).speedscope().profiles[0]!.events.length);
});

describe('large profiles', () => {
  test('of recursion 10,000 deep are read whole', () => {
    const profile = read(deepProfile(10_000));
    expect(profile.root.total).toBe(3);
    expect(profile.top()).toMatchObject([{ name: 'again', selfMs: 3, totalMs: 3 }]);
    expect(profile.flameGraph()).toContain('again (recursive)');
    expect(profile.speedscope().profiles[0]!.events.length).toBe(2 * (10_000 + 9999));
  });

  test('of a million samples give a small graph', () => {
    const nodes = [node(1, '(root)', [2])];
    const width = 2000;
    nodes.push(
      node(
        2,
        'main',
        Array.from({ length: width }, (_, at) => at + 3),
      ),
    );
    for (let id = 3; id < width + 3; id++) nodes.push(node(id, `f${id}`));
    const samples = Array.from({ length: 1_000_000 }, (_, at) => 3 + (at % width));
    const profile = read(profileOf(nodes, samples));
    expect(profile.sampleCount).toBe(1_000_000);
    expect(profile.root.total).toBeCloseTo(1_000_000, 0);
    expect(profile.top(3).map(({ name }) => name)).toEqual(['f10', 'f100', 'f1000']);
    expect(profile.flameGraph().length).toBeLessThan(800_000);
  });
});
