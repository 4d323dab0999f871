import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SnapshotFormatError } from '@hotpath/profile';
import { SnapshotReader } from '../dist/heap/snapshot-reader.js';

const FIELDS = ['type', 'name', 'id', 'self_size', 'edge_count', 'trace_node_id', 'detachedness'];
const TYPES = ['hidden', 'array', 'string', 'object', 'code', 'closure', 'native', 'a kind of tomorrow'];
const IN_BRACKETS: Readonly<Record<string, string>> = {
  hidden: '(system)',
  array: '(array)',
  string: '(string)',
  code: '(compiled code)',
  closure: '(closure)',
};

interface Node {
  readonly type: number;
  readonly name: number;
  readonly size: number;
}

const node = fc.record({
  type: fc.nat(TYPES.length - 1),
  name: fc.nat(9),
  size: fc.oneof(fc.nat(100), fc.integer({ min: 2 ** 31, max: 2 ** 40 })),
});
// Names with every character, quotes, backslashes and brackets above all.
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('"', '\\', '\\"', ']', '}', '[{"', '\u2028'),
);

function textOf(nodes: readonly Node[], strings: readonly string[]): string {
  const flat = nodes.flatMap(({ type, name, size }, at) => [type, name, 2 * at + 1, size, 0, 0, 0]);
  return (
    `{"snapshot":${JSON.stringify({ meta: { node_fields: FIELDS, node_types: [TYPES, 'string', 'number'] }, node_count: nodes.length })},\n` +
    `"nodes":[${flat.join(',\n')}],\n"edges":[1,2,3\n,4],\n"trace_tree":[1,[2,["]"]]],\n"samples":[],\n` +
    `"strings":[${strings.map((string) => JSON.stringify(string)).join(',\n')}]}`
  );
}

function sumsOf(nodes: readonly Node[], strings: readonly string[]): Record<string, [number, number]> {
  const sums: Record<string, [number, number]> = Object.create(null) as Record<string, [number, number]>;
  for (const { type, name, size } of nodes) {
    const kind = IN_BRACKETS[TYPES[type]!] ?? strings[name]!;
    const [count, bytes] = sums[kind] ?? [0, 0];
    sums[kind] = [count + 1, bytes + size];
  }
  return sums;
}

function read(bytes: Uint8Array, cuts: readonly number[]): Record<string, [number, number]> {
  const reader = new SnapshotReader();
  let from = 0;
  for (const cut of [...cuts].sort((a, b) => a - b)) {
    const to = Math.min(cut, bytes.length);
    reader.push(bytes.subarray(from, to));
    from = to;
  }
  reader.push(bytes.subarray(from));
  const sums: Record<string, [number, number]> = Object.create(null) as Record<string, [number, number]>;
  for (const { name, count, selfBytes } of reader.finish()) sums[name] = [count, selfBytes];
  return sums;
}

test('sums are those of the whole text, wherever it is cut into pieces', () => {
  fc.assert(
    fc.property(
      fc.array(node, { maxLength: 50 }),
      fc.array(text, { minLength: 10, maxLength: 10 }),
      fc.array(fc.nat(3000), { maxLength: 30 }),
      (nodes, strings, cuts) => {
        const bytes = Buffer.from(textOf(nodes, strings));
        expect(read(bytes, cuts)).toEqual(sumsOf(nodes, strings));
      },
    ),
    { numRuns: 300 },
  );
});

test('byte by byte too', () => {
  const nodes = [{ type: 3, name: 1, size: 40 }];
  const strings = ['', 'Käse "\\" 🧀'];
  const bytes = Buffer.from(textOf(nodes, strings));
  expect(
    read(
      bytes,
      Array.from({ length: bytes.length }, (_, at) => at),
    ),
  ).toEqual({ 'Käse "\\" 🧀': [1, 40] });
});

test('a text that ends early, anywhere, is refused', () => {
  const bytes = Buffer.from(textOf([{ type: 3, name: 0, size: 40 }], ['Point', 'x']));
  for (let length = 0; length < bytes.length; length++) {
    expect(() => read(bytes.subarray(0, length), [])).toThrow(SnapshotFormatError);
  }
});

test.each([
  '',
  '[]',
  '7',
  '{}',
  '{"nodes":[1]}',
  '{"snapshot":{}}',
  '{"head":{"children":[]},"samples":[]}',
  '{} x',
])('%j is no snapshot', (text) => {
  expect(() => read(Buffer.from(text), [])).toThrow(SnapshotFormatError);
});
