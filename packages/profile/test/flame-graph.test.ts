import { describe, expect, test } from 'vitest';
import type { CallNode, FlameGraphOptions } from '@hotpath/profile';
import { flameGraph, ArgumentRangeError, ArgumentTypeError } from '@hotpath/profile';
import type { Sketch } from './call-trees.ts';
import { chain, tree } from './call-trees.ts';

interface Drawn {
  readonly label: string;
  readonly tooltip: string;
  readonly classes: string;
  readonly x: number;
  readonly width: number;
  readonly y: number;
}

const FRAME =
  /<svg class="f ([^"]*)" x="([\d.]+)%" y="(\d+)" width="([\d.]+)%" height="\d+"><title>([^<]*)<\/title><rect [^>]*\/><text [^>]*>([^<]*)<\/text><\/svg>/g;

function drawn(svg: string): Drawn[] {
  return [...svg.matchAll(FRAME)].map(([, classes, x, y, width, tooltip, label]) => ({
    label: label!,
    tooltip: tooltip!,
    classes: classes!,
    x: Number(x),
    width: Number(width),
    y: Number(y),
  }));
}

const named = (svg: string, label: string): Drawn => drawn(svg).find((frame) => frame.label === label)!;

describe('a flame graph', () => {
  test('draws every frame as wide as its share, children inside their parent, the heaviest first', () => {
    const svg = flameGraph(tree(['main', 10, ['light', 20], ['heavy', 60, ['leaf', 10]]]));
    expect(drawn(svg).map(({ label, x, width }) => [label, x, width])).toEqual([
      ['main', 0, 100],
      ['heavy', 0, 70],
      ['leaf', 0, 10],
      ['light', 70, 20],
    ]);
    expect(named(svg, 'leaf').y).toBeGreaterThan(named(svg, 'heavy').y);
    expect(named(svg, 'heavy').tooltip).toBe('heavy\nfile:///app/main.js:1\n70 ms (70.0 %), 60 ms itself');
  });

  test('makes one frame of siblings that are the same function', () => {
    const svg = flameGraph(tree(['main', 0, ['work', 1, ['a', 1]], ['work', 2, ['a', 1]]]));
    expect(drawn(svg).map(({ label, width }) => [label, width])).toEqual([
      ['main', 100],
      ['work', 100],
      ['a', 40],
    ]);
  });

  test('is the same text for the same tree, whatever the order of its children', () => {
    const leaves: readonly CallNode[] = ['a', 'b', 'c'].map((name) => tree([name, 5]));
    const main = tree(['main', 1]);
    const forth = flameGraph({ ...main, children: leaves });
    expect(flameGraph({ ...main, children: leaves.toReversed() })).toBe(forth);
  });

  test('draws siblings too narrow to see as one', () => {
    const dust = Array.from({ length: 5000 }, (_, at) => tree([`dust${at}`, 1]));
    const svg = flameGraph({ ...tree(['main', 5000]), children: dust });
    expect(drawn(svg).map(({ label, width }) => [label, width])).toEqual([
      ['main', 100],
      ['(5000 small frames)', 50],
    ]);
  });

  test('draws no more than maxFrames of a path whose frames are all as wide as the root', () => {
    let path: Sketch = ['leaf', 1];
    for (let level = 50; level > 0; level--) path = [`f${level}`, 0, path];
    const labels = drawn(flameGraph(tree(path), { maxFrames: 3 })).map(({ label }) => label);
    expect(labels).toEqual(['f1', 'f2', 'f3', '(1 small frame)']);
  });

  test('never draws more than maxFrames, and keeps the widest with all their callers', () => {
    const wide = Array.from({ length: 400 }, (_, at) => tree([`f${at}`, 100 + at, [`g${at}`, 100 + at]]));
    const svg = flameGraph({ ...tree(['main', 0]), children: wide }, { maxFrames: 100 });
    const frames = drawn(svg);
    const kept = frames.filter(({ label }) => !label.startsWith('('));
    expect(kept.length).toBeLessThanOrEqual(100);
    expect(kept.length).toBeGreaterThan(90);
    expect(kept.map(({ label }) => label)).toContain('f399');
    expect(kept.map(({ label }) => label)).not.toContain('f10');
    expect(frames.at(-1)!.label).toMatch(/^\(\d+ small frames\)$/);
  });

  test('of recursion 10,000 deep folds the function into one frame', () => {
    const svg = flameGraph(chain(['main', ...Array<string>(10_000).fill('again'), 'leaf']));
    expect(drawn(svg).map(({ label }) => label)).toEqual(['main', 'again (recursive)']);
    expect(svg.length).toBeLessThan(12_000);
  });

  test('of two functions that call each other 10,000 deep ends at maxDepth and tells how much is below', () => {
    const names = Array.from({ length: 10_000 }, (_, at) => (at % 2 === 0 ? 'ping' : 'pong'));
    const frames = drawn(flameGraph(chain(names)));
    expect(frames.length).toBe(252);
    expect(frames.at(-1)).toMatchObject({ label: '(1 small frame)', width: 97.49 });
  });

  test('of a quarter of a million nodes stays small', () => {
    const leaves = Array.from({ length: 500 }, (_, at) => tree([`leaf${at}`, 1]));
    const many = Array.from({ length: 500 }, (_, at) => ({
      ...tree([`f${at}`, 1]),
      total: 501,
      children: leaves,
    }));
    const svg = flameGraph({ ...tree(['main', 0]), children: many });
    expect(svg.length).toBeLessThan(1_000_000);
    expect(drawn(svg).length).toBeGreaterThan(1000);
  });

  test.each([
    ['nothing', tree(['main', 0])],
    ['times that are not numbers', tree(['main', Number.NaN, ['f', -1], ['g', Infinity]])],
  ])('of %s says so instead of drawing', (_, root) => {
    const svg = flameGraph(root);
    expect(svg).toContain('No samples.');
    expect(drawn(svg)).toEqual([]);
  });

  test('tells bytes and counts in their own units', () => {
    const root = tree(['main', 3_145_728]);
    expect(named(flameGraph(root, { unit: 'bytes' }), 'main').tooltip).toContain('3 MiB (100.0 %)');
    expect(named(flameGraph(root, { unit: 'count' }), 'main').tooltip).toContain('3,145,728 (100.0 %)');
  });
});

describe('names in a flame graph', () => {
  const HOSTILE = [
    '</title></svg><script>globalThis.pwned = 1</script>',
    '" onload="globalThis.pwned = 1" x="',
    "' onclick='globalThis.pwned = 1'",
    ']]><script>globalThis.pwned = 1</script>',
    '<!--',
    '&amp;&#60;script&#62;',
    '\u0000\u0007\u001B[31m\u{D800}\u{FFFE}\u202Egpj.exe',
  ];

  test.each(HOSTILE)('cannot become markup: %j', (name) => {
    const root = tree(['main', 1, [name, 5]], `file:///${name}`);
    const svg = flameGraph(root, { title: name, before: root });
    expect(drawn(svg).length).toBe(2);
    expect(svg.match(/<script/g)).toHaveLength(1);
    expect(svg.match(/<\/svg>/g)).toHaveLength(3);
    expect(svg.match(/\]\]>/g)).toHaveLength(1);
    expect(svg).not.toMatch(/ on\w+=["']/);
    // oxlint-disable-next-line no-control-regex -- controls are what is looked for
    expect(svg).not.toMatch(/[\u{0}-\u{8}\u{B}-\u{1F}\u{202A}-\u{202E}\u{D800}-\u{DFFF}\u{FFFE}\u{FFFF}]/u);
  });

  test('of a function without one is (anonymous)', () => {
    expect(drawn(flameGraph(tree(['', 1])))[0]!.label).toBe('(anonymous)');
  });

  test('are cut where they are too long to read, a path at its beginning', () => {
    const [frame] = drawn(flameGraph(tree(['f'.repeat(100_000), 1], `file:///${'d/'.repeat(50_000)}end.js`)));
    expect(frame!.label.length).toBe(100);
    expect(frame!.tooltip).toContain('/end.js:1');
    expect(frame!.tooltip.length).toBeLessThan(400);
  });
});

describe('a differential flame graph', () => {
  const before = tree(['main', 10, ['slow', 80], ['gone', 10], ['same', 20]]);
  const after = tree(['main', 10, ['slow', 20], ['fresh', 30], ['same', 20]]);

  test('is red where a function takes more itself, blue where it takes less, strongest where most', () => {
    const svg = flameGraph(after, { before });
    expect(drawn(svg).map(({ label, classes }) => [label, classes])).toEqual([
      ['main', 'z'],
      ['slow', 'b4'],
      ['fresh', 'r2'],
      ['same', 'z'],
      ['gone', 'b1 gone'],
    ]);
    expect(named(svg, 'slow').tooltip).toContain('80 ms before, 20 ms after (−75.0 %)');
    expect(named(svg, 'fresh').tooltip).toContain('(new)');
    expect(named(svg, 'gone').tooltip).toContain('(gone)');
  });

  test('is as wide as the larger of both, so that what is gone still shows', () => {
    const svg = flameGraph(after, { before });
    const whole = 10 + 80 + 30 + 20 + 10;
    expect(named(svg, 'gone').width).toBeCloseTo((10 / whole) * 100, 3);
    expect(named(svg, 'slow').width).toBeCloseTo((80 / whole) * 100, 3);
  });

  test('knows a named function again where the file was edited above it', () => {
    const moved = { ...after, children: after.children.map((child) => ({ ...child, line: 99 })) };
    const frames = drawn(flameGraph(moved, { before }));
    expect(frames.filter(({ label }) => label === 'slow')).toHaveLength(1);
  });
});

describe('options of a flame graph', () => {
  const root = tree(['main', 1]);

  test.each<[string, unknown, string]>([
    ['a tree that is none', 3, 'root: expected an object, got number'],
    ['null', null, 'root: expected an object, got null'],
  ])('%s is refused', (_, wrong, message) => {
    expect(() => flameGraph(wrong as CallNode)).toThrow(new ArgumentTypeError(message));
  });

  test.each<[unknown, Error]>([
    [{ title: 1 }, new ArgumentTypeError('title: expected a string, got number')],
    [{ maxFrames: '9' }, new ArgumentTypeError('maxFrames: expected an integer, got string')],
    [{ maxFrames: 0 }, new ArgumentRangeError('maxFrames: expected an integer from 1 to 20000, got 0')],
    [{ maxDepth: 1.5 }, new ArgumentRangeError('maxDepth: expected an integer from 1 to 2000, got 1.5')],
    [{ unit: 'hours' }, new ArgumentRangeError('unit: expected ms, bytes, count, got hours')],
    [{ before: [] }, new ArgumentTypeError('before: expected an object, got array')],
    [[], new ArgumentTypeError('options: expected an object, got array')],
  ])('%j is refused with what was expected', (options, error) => {
    expect(() => flameGraph(root, options as FlameGraphOptions)).toThrow(error);
  });
});
