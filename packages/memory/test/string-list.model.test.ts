/** `StringList` against a plain array: what is pending, encoded, or decoded with its neighbours must not show. */

import { StringList } from '@hotpath/memory';
import fc from 'fast-check';
import { expect, test } from 'vitest';

/** Mostly short ASCII, as that goes together; and everything that must not. */
const text = fc.oneof(
  { weight: 12, arbitrary: fc.string({ unit: 'binary-ascii', maxLength: 24 }) },
  { weight: 1, arbitrary: fc.constantFrom('', 'é', '\ud83d', '\ude00', '😀', '\ufeff') },
  { weight: 1, arbitrary: fc.integer({ min: 200, max: 5000 }).map((length) => 'x'.repeat(length)) },
);

const command = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ does: fc.constant('push' as const), texts: fc.array(text, { maxLength: 150 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ does: fc.constant('read' as const), from: fc.nat(), count: fc.nat(200) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      does: fc.constant('pick' as const),
      places: fc.array(fc.nat(), { maxLength: 20 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('measure' as const) }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('clear' as const) }) },
);

/** What UTF-8 makes of a string. */
function wellFormed(of: string): string {
  return Buffer.from(of).toString();
}

test('random programs agree with an array of strings after every step', () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 12 }), fc.boolean(), (commands, isReserved) => {
      const list = new StringList(isReserved ? { capacity: 300, capacityBytes: 5000 } : {});
      const model: string[] = [];
      for (const step of commands) {
        if (step.does === 'push') {
          for (const one of step.texts) {
            list.push(one);
            model.push(wellFormed(one));
          }
        } else if (step.does === 'read' && model.length > 0) {
          const from = step.from % model.length;
          const end = Math.min(model.length, from + step.count);
          for (let i = from; i < end; i++) expect(list.get(i)).toBe(model[i]);
        } else if (step.does === 'pick' && model.length > 0) {
          for (const place of step.places)
            expect(list.get(place % model.length)).toBe(model[place % model.length]);
        } else if (step.does === 'measure') {
          expect(list.sizeBytes).toBe(model.reduce((sum, one) => sum + Buffer.byteLength(one), 0));
        } else if (step.does === 'clear') {
          list.clear();
          model.length = 0;
        }
        expect(list.length).toBe(model.length);
      }
      expect([...list]).toEqual(model);
    }),
    { numRuns: 300 },
  );
});

test('the limit is exact to the byte, whatever is pending', () => {
  fc.assert(
    fc.property(fc.array(text, { maxLength: 40 }), fc.integer({ min: 0, max: 200 }), (texts, maxBytes) => {
      const list = new StringList({ maxBytes });
      const model: string[] = [];
      let sizeBytes = 0;
      for (const one of texts) {
        const fits = sizeBytes + Buffer.byteLength(one) <= maxBytes;
        if (fits) {
          list.push(one);
          model.push(wellFormed(one));
          sizeBytes += Buffer.byteLength(one);
        } else {
          expect(() => {
            list.push(one);
          }).toThrow(expect.objectContaining({ code: 'ERR_HOTPATH_MEMORY_CAPACITY' }));
        }
      }
      expect([...list]).toEqual(model);
      expect(list.sizeBytes).toBe(sizeBytes);
    }),
  );
});
