import { defineLayout, heap } from '@hotpath/memory';
import { expect, test } from 'vitest';

const collect = globalThis.gc as () => void;

const Particle = defineLayout({ x: 'f32', y: 'f32', z: 'f32', vx: 'f32', vy: 'f32', vz: 'f32' });
const particle = { x: 1, y: 2, z: 3, vx: 4, vy: 5, vz: 6 };

test('a table of a million rows is no work for the collector: the objects are', () => {
  collect();
  const before = process.memoryUsage().heapUsed;
  using table = Particle.create({ capacity: 1_000_000 });
  for (let i = 0; i < 1_000_000; i++) table.push(particle);
  collect();
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(1 << 20);
  expect(table.get(999_999)).toEqual(particle);
});

test('tables that come, grow and go leave nothing in the heap, and the heap does not grow for ever', () => {
  const round = (): void => {
    using table = Particle.create();
    for (let i = 0; i < 2000; i++) table.push(particle);
    using some = table.filter((p) => p.x === 1);
    some.sortBy('y');
    table.shrinkToFit();
  };
  for (let i = 0; i < 10; i++) round();
  const { capacityBytes } = heap().stats();
  for (let i = 0; i < 300; i++) round();
  heap().checkInvariants();
  expect(heap().stats()).toMatchObject({ usedBytes: 0, capacityBytes });
});

test('moving rows by cursor makes no garbage', () => {
  using table = Particle.create({ capacity: 10_000 });
  for (let i = 0; i < 10_000; i++) table.push(particle);
  const p = table.cursor();
  const step = (): void => {
    for (p.index = 0; p.index < table.length; p.index++) {
      p.x += p.vx * 0.016;
      p.y += p.vy * 0.016;
      p.z += p.vz * 0.016;
    }
  };
  const growth = (): number => {
    collect();
    const before = process.memoryUsage().heapUsed;
    for (let i = 0; i < 100; i++) step();
    return process.memoryUsage().heapUsed - before;
  };
  // Until the loop is compiled, on a thread that a busy machine may keep waiting, numbers are made on the heap.
  let bytes = growth();
  for (let attempt = 0; attempt < 20 && bytes >= 1 << 20; attempt++) bytes = growth();
  // A number an access would be 100 MB.
  expect(bytes).toBeLessThan(1 << 20);
});
