import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Place, WaitQueue } from '../dist/pool/wait-queue.js';

test('a queue serves in order, whoever leaves in between', () => {
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.constant({ kind: 'join' as const }) },
    { weight: 2, arbitrary: fc.constant({ kind: 'shift' as const }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('leave' as const), at: fc.nat() }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const queue = new WaitQueue<number>();
      const places: Place<number>[] = [];
      let model: number[] = [];
      for (const action of steps) {
        if (action.kind === 'join') {
          model.push(places.length);
          places.push(queue.join(places.length));
        } else if (action.kind === 'shift') {
          expect(queue.shift()).toBe(model.shift());
        } else if (places.length > 0) {
          const place = places[action.at % places.length]!;
          expect(queue.leave(place)).toBe(model.includes(place.item));
          model = model.filter((item) => item !== place.item);
        }
        expect(queue.count).toBe(model.length);
      }
      for (const item of model) expect(queue.shift()).toBe(item);
      expect(queue.shift()).toBeUndefined();
    }),
  );
});
