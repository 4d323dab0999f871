import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compile } from '../dist/join/compile.js';
import { interpret } from '../dist/join/interpret.js';
import { type NestPlan, type NestSpec, planNest } from '../dist/join/spec.js';

type Row = Record<string, unknown>;

/** The plainest fold there is: at each level, filter the rows and look for each key from the start. */
function oracle(plan: NestPlan, rows: readonly Row[]): Row[] {
  const same = (a: Row, b: Row): boolean => plan.key.every((column) => Object.is(a[column], b[column]));
  const present = rows.filter((row) => plan.key.every((column) => row[column] !== null));
  const firsts = present.filter((row, index) => present.findIndex((other) => same(row, other)) === index);
  return firsts.map((first) => {
    const own = present.filter((row) => same(row, first));
    const node: Row = {};
    for (const [name, column] of plan.fields) node[name] = first[column as string];
    for (const child of plan.children) {
      const below = oracle(child.plan, own);
      node[child.name] = child.many ? below : (below[0] ?? null);
    }
    return node;
  });
}

/** Few values, so that keys meet; of the kinds that Postgres gives. */
const kinds: readonly fc.Arbitrary<unknown>[] = [
  fc.integer({ min: -2, max: 12 }),
  fc.integer({ min: -2, max: 12 }).map(String),
  fc.constantFrom('a', 'b', 'ab', '', 'Z', '1a', '10a'),
  fc.boolean(),
  fc.bigInt({ min: -2n, max: 5n }),
];

/** Columns a to f; the last is unique in each row, as a leaf's primary key often is. */
const columns = ['a', 'b', 'c', 'd', 'e', 'f'] as const;

const column = fc.constantFrom(...columns);
const key = fc.oneof({ weight: 3, arbitrary: column }, { weight: 1, arbitrary: fc.tuple(column, column) });
const fields = fc
  .uniqueArray(column, { maxLength: 3 })
  .map((names) => Object.fromEntries(names.map((name) => [name, name])));

function specOf(depth: number): fc.Arbitrary<NestSpec<never>> {
  const leaf = fc.record({ key, fields });
  if (depth === 0) return leaf;
  const children = fc.array(specOf(depth - 1), { maxLength: 2 });
  return fc.tuple(leaf, children).map(([base, below]) => ({
    ...base,
    many: Object.fromEntries(below.map((child, index) => [`many${index}`, child])),
  }));
}

const table = fc
  .tuple(
    fc.tuple(...columns.map(() => fc.constantFrom(...kinds))),
    fc.integer({ min: 0, max: 40 }),
    fc.constantFrom('shuffled', 'ordered', 'descending'),
    fc.boolean(),
  )
  .chain(([kindOf, count, order, nulls]) =>
    fc
      .array(fc.tuple(...kindOf.map((kind) => (nulls ? fc.option(kind, { freq: 5 }) : kind))), {
        minLength: count,
        maxLength: count,
      })
      .map((values) => {
        const rows = values.map((row) =>
          Object.fromEntries<unknown>(columns.map((name, i) => [name, row[i]])),
        );
        if (order !== 'shuffled') {
          const sign = order === 'ordered' ? 1 : -1;
          rows.sort((x, y) => {
            for (const name of columns) {
              const [p, q] = [x[name], y[name]] as [number, number];
              if (p !== q) return p === null ? 1 : q === null ? -1 : p > q ? sign : -sign;
            }
            return 0;
          });
        }
        return rows;
      }),
  );

test('both folds agree with the plain oracle, for any spec over any rows', () => {
  fc.assert(
    fc.property(specOf(2), table, (spec, rows) => {
      const plan = planNest(spec);
      // A root without a key is an error, tested elsewhere.
      const complete = rows.filter((row) => plan.key.every((name) => row[name] !== null));
      const expected = oracle(plan, complete);
      expect(compile(plan)!(complete)).toEqual(expected);
      expect(interpret(plan)(complete)).toEqual(expected);
    }),
    { numRuns: 1_000 },
  );
});
