/**
 * C2: the parallel map at sizes where no thread can win, with a function of a cycle and with one of 4 µs. What is to be seen is that the
 * call then costs its promise and its checks, a microsecond, and nothing else. The naive variant is the serial loop, awaited.
 */

import type { Case } from '../harness/case.ts';
import type { CrunchMap } from './crunch-map.ts';
import { parallelMap, serialMap } from './crunch-map.ts';

function sizeCase(name: CrunchMap['name'], size: string): Case {
  const length = Number(size);
  const map: CrunchMap = {
    length,
    name,
    answerOf: (output) => [output[0], output[length >> 1], output[length - 1]],
  };
  const isTiny = length < (name === 'cheap' ? 10_000 : 100);
  return {
    id: 'C2',
    case: `map ${name} ${size}`,
    package: 'cpu',
    tier: 'peers',
    params: { length },
    guide: null,
    async: true,
    share: 0.3,
    ...(isTiny
      ? { limit: 'A call is a promise, checks and a claim: 1 to 1.5 µs, whatever it computes.' }
      : {}),
    variants: { naive: serialMap(map), ours: parallelMap(map) },
  };
}

// Crunch of 1K and more have cases of their own (parallel.bench.ts).
const cases: readonly Case[] = [
  ...['1', '10', '100', '1e3', '1e4', '1e5', '1e6'].map((size) => sizeCase('cheap', size)),
  ...['1', '10', '100'].map((size) => sizeCase('crunch', size)),
];

export default cases;
