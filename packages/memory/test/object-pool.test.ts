import { createObjectPool } from '@hotpath/memory';
import { expect, test } from 'vitest';

const code = (suffix: string): { code: string } => ({ code: `ERR_HOTPATH_MEMORY_${suffix}` });

interface Row {
  id: number;
  tags: string[];
}

function rows(maxIdle: number, destroyed: Row[] = []) {
  return createObjectPool<Row>({
    create: () => ({ id: 0, tags: [] }),
    reset(row) {
      row.id = 0;
      row.tags.length = 0;
    },
    destroy: (row) => destroyed.push(row),
    maxIdle,
  });
}

test('a released object comes back reset', () => {
  const pool = rows(2);
  const row = pool.acquire();
  row.id = 7;
  row.tags.push('a');
  pool.release(row);
  const again = pool.acquire();
  expect(again).toBe(row);
  expect(again).toEqual({ id: 0, tags: [] });
  expect(pool.stats()).toEqual({
    idleCount: 0,
    leasedCount: 1,
    createdCount: 1,
    acquiredCount: 2,
    droppedCount: 0,
  });
});

test('releasing twice and releasing what is not of the pool throw', () => {
  const pool = rows(2);
  const row = pool.acquire();
  pool.release(row);
  expect(() => pool.release(row)).toThrowError(expect.objectContaining(code('LEASE_RELEASED')));
  expect(() => pool.release({ id: 0, tags: [] })).toThrowError(
    expect.objectContaining(code('FOREIGN_LEASE')),
  );
  expect(() => pool.release(rows(2).acquire())).toThrowError(expect.objectContaining(code('FOREIGN_LEASE')));
  expect(() => pool.release(undefined as never)).toThrowError(expect.objectContaining(code('FOREIGN_LEASE')));
  expect(pool.stats()).toMatchObject({ idleCount: 1, leasedCount: 0 });
});

test('a full pool drops what comes back, trimming and closing drop the rest', () => {
  const destroyed: Row[] = [];
  const pool = rows(2, destroyed);
  const [a, b, c, d] = [pool.acquire(), pool.acquire(), pool.acquire(), pool.acquire()];
  for (const row of [a, b, c]) pool.release(row);
  expect(destroyed).toEqual([c]);
  expect(pool.stats()).toMatchObject({ idleCount: 2, droppedCount: 1 });
  expect(pool.trim(1)).toBe(1);
  expect(destroyed).toEqual([c, a]);
  pool.close();
  expect(destroyed).toEqual([c, a, b]);
  pool.release(d);
  expect(destroyed).toEqual([c, a, b, d]);
  expect(() => pool.acquire()).toThrowError(expect.objectContaining(code('POOL_CLOSED')));
  pool.close();
});

test('an object whose reset throws is dropped, and the error is passed on', () => {
  const pool = createObjectPool({
    create: () => ({ ok: true }),
    reset() {
      throw new Error('cannot reset');
    },
    maxIdle: 1,
  });
  const object = pool.acquire();
  expect(() => pool.release(object)).toThrowError('cannot reset');
  expect(pool.stats()).toMatchObject({ idleCount: 0, leasedCount: 0, droppedCount: 1 });
  expect(pool.acquire()).not.toBe(object);
});

test('an object whose destroy throws does not keep the others', () => {
  const destroyed: number[] = [];
  let made = 0;
  const pool = createObjectPool({
    create: () => ({ id: ++made }),
    destroy({ id }) {
      destroyed.push(id);
      if (id < 3) throw new Error(`no end of ${id}`);
    },
    maxIdle: 3,
    preallocate: 3,
  });
  expect(() => {
    pool.close();
  }).toThrow('no end of 1');
  expect(destroyed).toEqual([1, 2, 3]);
  pool.close();
});

test('preallocation makes objects at once', () => {
  expect(createObjectPool({ create: () => [], maxIdle: 5, preallocate: 3 }).stats()).toMatchObject({
    idleCount: 3,
    createdCount: 3,
  });
});

test('options that are none are refused', () => {
  const create = (): object => ({});
  expect(() => createObjectPool(undefined as never)).toThrowError(
    expect.objectContaining(code('ARGUMENT_TYPE')),
  );
  expect(() => createObjectPool({ create: 1 as never, maxIdle: 1 })).toThrowError(/create/);
  expect(() => createObjectPool({ create, reset: 1 as never, maxIdle: 1 })).toThrowError(/reset/);
  expect(() => createObjectPool({ create, destroy: 1 as never, maxIdle: 1 })).toThrowError(/destroy/);
  for (const maxIdle of [-1, 1.5, Number.NaN, Infinity]) {
    expect(() => createObjectPool({ create, maxIdle })).toThrowError(
      expect.objectContaining(code('ARGUMENT_RANGE')),
    );
  }
  expect(() => createObjectPool({ create, maxIdle: 1, preallocate: 2 })).toThrowError(/preallocate/);
  expect(() => createObjectPool({ create: () => 5 as never, maxIdle: 1 }).acquire()).toThrowError(/create/);
});
