// Tasks that misbehave, each in one way.
import { crunch } from './numbers.mjs';

class OddError extends Error {
  name = 'OddError';
  code = 'ERR_ODD';
}

export function throwAt700(x, index) {
  crunch(x);
  if (index === 700) throw new OddError('seven hundred', { cause: new RangeError('deeper') });
  return x;
}

export function throwString(x) {
  // oxlint-disable-next-line typescript/only-throw-error -- user code may throw anything
  if (x === 5) throw 'a plain string';
  return x;
}

export function throwUncloneable(x, index) {
  crunch(x);
  if (index === 500) throw Object.assign(new Error('holds a function'), { holder: () => 1 });
  return x;
}

/** What it throws has no text, also when it has been cloned. */
export function throwTextless(x, index) {
  crunch(x);
  // oxlint-disable-next-line typescript/only-throw-error -- user code may throw anything
  if (index === 500) throw { toString: 1, valueOf: 1 };
  return x;
}

/** Nothing of what it throws can be read. */
export function throwUnreadable(x, index) {
  crunch(x);
  if (index !== 500) return x;
  const get = () => {
    throw new Error('not to be read');
  };
  const keys = ['message', 'name', 'stack', 'cause', 'detail'];
  throw Object.defineProperties(
    new Error('unreadable'),
    Object.fromEntries(keys.map((key) => [key, { get, enumerable: true }])),
  );
}

export function returnPromise(x) {
  return Promise.resolve(x);
}

export function returnText(x, index) {
  crunch(Number(x));
  return index === 900 ? 'nine hundred' : x;
}

export function returnFunction(x, index) {
  crunch(x);
  return index === 800 ? () => x : x;
}

export function returnHiddenFunction(x, index) {
  crunch(x);
  return index === 800 ? { inside: () => x } : x;
}

/** Ends at once, so that a thread finishes its other chunk in the same turn of the event loop. */
export function returnFirstHidden(x, index) {
  return index === 0 ? { inside: () => x } : x;
}

/** Ends its own thread at the last of four items, when it has done another. */
export function exitAtThree(x, index) {
  if (index === 3) process.exit(7);
  return x;
}

/** Ends its own thread; only for pools in which the calling thread takes no part. */
export function exitAt700(x, index) {
  crunch(x);
  if (index === 700) process.exit(7);
  return x;
}

export function exhaustMemory(x, index) {
  crunch(x);
  if (index === 700) {
    const held = [];
    for (;;) held.push(new Array(100_000).fill(held.length));
  }
  return x;
}

/** Never comes back from item 100 unless its thread is ended. */
export function hangAt100(x, index) {
  crunch(x);
  if (index === 100) for (;;);
  return x;
}
