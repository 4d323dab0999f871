import { expect, test } from 'vitest';
import { VersionFloors } from '../dist/region/version-floors.js';

test('a floor that has lapsed is none, also for a lower one that comes after it', () => {
  const floors = new VersionFloors();
  floors.set('a', 7, 100, 0);
  expect(floors.of('a', 99)).toMatchObject({ version: 7 });
  floors.set('a', 1, 200, 100);
  expect(floors.of('a', 150)).toEqual({ version: 1, until: 200 });
});

test('the highest version holds, until the latest end', () => {
  const floors = new VersionFloors();
  floors.set('a', 7, 100, 0);
  floors.set('a', 5, 300, 0);
  expect(floors.of('a', 200)).toEqual({ version: 7, until: 300 });
});

test('what others tell pushes out none that a level is yet to be told', () => {
  const floors = new VersionFloors();
  floors.queue('mine', 3, 1000, 0);
  for (let key = 0; key < 20_000; key++) floors.set(`${key}`, 1, 1000, 0);
  expect(floors.queuedOf('mine', 1)).toMatchObject({ version: 3 });
  expect(floors.of('0', 1)).toBeUndefined();
  expect(floors.of('19999', 1)).toBeDefined();
});

test('one that was told is queued no more, unless a higher version came meanwhile', () => {
  const floors = new VersionFloors();
  floors.queue('a', 3, 1000, 0);
  floors.set('a', 4, 1000, 0);
  floors.told('a', 3);
  expect(floors.queuedOf('a', 1)).toMatchObject({ version: 4 });
  floors.told('a', 4);
  expect(floors.queuedOf('a', 1)).toBeUndefined();
  expect(floors.of('a', 1)).toMatchObject({ version: 4 });
});
