import { defineLayout, heap } from '@hotpath/memory';
import fc from 'fast-check';
import { expect, test } from 'vitest';

const Row = defineLayout({
  small: 'i8',
  wide: 'f64',
  big: 'i64',
  on: 'bool',
  position: 'f32x3',
  kind: ['idle', 'busy', 'done'],
});

interface PlainRow {
  small: number;
  wide: number;
  big: bigint;
  on: boolean;
  position: [number, number, number];
  kind: 'idle' | 'busy' | 'done';
}

const float = fc.float({ noDefaultInfinity: false });
const row: fc.Arbitrary<PlainRow> = fc.record({
  small: fc.integer({ min: -128, max: 127 }),
  wide: fc.double(),
  big: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  on: fc.boolean(),
  position: fc.tuple(float, float, float),
  kind: fc.constantFrom('idle', 'busy', 'done'),
});

const at = fc.nat();
const command = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('push' as const), row }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('insert' as const), at, row }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('set' as const), at, row }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('swapRemove' as const), at }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('remove' as const), at }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('truncate' as const), at }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reserve' as const), at: fc.nat({ max: 300 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('shrink' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('retain' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('double' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('sort' as const),
      by: fc.constantFrom('small', 'wide', 'big', 'on', 'kind'),
      descending: fc.boolean(),
    }),
  },
);

const WORDS = ['idle', 'busy', 'done'];

function compare(p: PlainRow, q: PlainRow, by: keyof PlainRow): number {
  if (by === 'kind') return WORDS.indexOf(p.kind) - WORDS.indexOf(q.kind);
  if (by === 'wide') {
    // -0 before +0, NaN last, as TypedArray.prototype.sort has it; equal values must stay 0 for stability.
    const [first] = new Float64Array([p.wide, q.wide]).sort();
    if (Object.is(p.wide, q.wide)) return 0;
    return Object.is(first, p.wide) ? -1 : 1;
  }
  const [a, b] = [p[by], q[by]] as [number, number];
  return a < b ? -1 : a > b ? 1 : 0;
}

test('a table does what a list of objects does', () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 120, size: 'max' }), (commands) => {
      const table = Row.create();
      const cursor = table.cursor();
      let model: PlainRow[] = [];
      for (const step of commands) {
        const { length } = model;
        if (step.kind === 'push') {
          expect(table.push(step.row)).toBe(length);
          model.push(step.row);
        } else if (step.kind === 'insert') {
          const index = step.at % (length + 1);
          table.insert(index, step.row);
          model.splice(index, 0, step.row);
        } else if (step.kind === 'set' && length > 0) {
          table.set(step.at % length, step.row);
          model[step.at % length] = step.row;
        } else if (step.kind === 'swapRemove' && length > 0) {
          const index = step.at % length;
          table.swapRemove(index);
          const last = model.pop()!;
          if (index < model.length) model[index] = last;
        } else if (step.kind === 'remove' && length > 0) {
          table.remove(step.at % length);
          model.splice(step.at % length, 1);
        } else if (step.kind === 'truncate') {
          table.truncate(Math.max(0, length - (step.at % 10)));
          model = model.slice(0, table.length);
        } else if (step.kind === 'reserve') table.reserve(step.at);
        else if (step.kind === 'shrink') table.shrinkToFit();
        else if (step.kind === 'retain') {
          table.retain((p) => p.on || p.small > 0);
          model = model.filter((one) => one.on || one.small > 0);
        } else if (step.kind === 'double' && length < 200) {
          using matching = table.filter((p) => p.kind !== 'busy');
          matching.checkInvariants();
          matching.selectInto(
            table,
            Array.from({ length: matching.length }, (_, i) => matching.length - 1 - i),
          );
          model.push(...model.filter((one) => one.kind !== 'busy').reverse());
        } else if (step.kind === 'sort') {
          table.sortBy(step.by, { descending: step.descending });
          // Descending is not the reverse: equal rows keep their order.
          const sign = step.descending ? -1 : 1;
          model = model
            .map((one, index) => ({ one, index }))
            .sort((p, q) => sign * compare(p.one, q.one, step.by as keyof PlainRow) || p.index - q.index)
            .map(({ one }) => one);
        }
        table.checkInvariants();
        expect(table.length).toBe(model.length);
        expect(table.toObjects()).toEqual(model);
        if (model.length > 0) {
          cursor.index = model.length - 1;
          expect(cursor.toObject()).toEqual(model.at(-1));
        }
      }
      heap().checkInvariants();
      using back = Row.parse(table.stringify());
      expect(back.stringify()).toBe(table.stringify());
      table.dispose();
    }),
    { numRuns: 60 },
  );
  expect(heap().stats().usedBytes).toBe(0);
});
