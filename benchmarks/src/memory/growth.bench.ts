/**
 * M4: ten thousand strings are made, accumulated and consumed to the end: in a list that grows from nothing, in one whose
 * capacity was reserved, and in none, by a lazy sequence that makes each when it is asked for.
 */

import type { Case, Operation } from '../harness/case.ts';

const COUNT = 10_000;

/** The n-th string, 12 to 15 characters. */
function itemOf(n: number): string {
  return `item-${n}-value`;
}

/** What consuming a string means here: all that follows depends on its content. */
function weigh(text: string): number {
  return text.length * 31 + text.charCodeAt(text.length - 7);
}

function operation(run: () => number): Operation {
  return { run, answer: run };
}

const cases: readonly Case[] = [
  {
    id: 'M4',
    case: '10,000 strings',
    package: 'memory',
    tier: 'guide',
    params: { strings: COUNT },
    guide: null,
    limit:
      'an array that reserves keeps what was made; StringList encodes each string and decodes it again, up to 64 at a time: it is for the memory held (see that case) and for passing text on as bytes',
    async: false,
    variants: {
      naive: {
        kind: 'naive',
        setup: () =>
          operation(() => {
            const items: string[] = [];
            for (let i = 0; i < COUNT; i++) items.push(itemOf(i));
            let total = 0;
            for (const item of items) total += weigh(item);
            return total;
          }),
      },
      'naive:reserved Array': {
        kind: 'naive',
        setup: () =>
          operation(() => {
            const items = new Array<string>(COUNT);
            for (let i = 0; i < COUNT; i++) items[i] = itemOf(i);
            let total = 0;
            for (const item of items) total += weigh(item);
            return total;
          }),
      },
      ours: {
        kind: 'ours',
        async setup() {
          const { lazyRange } = await import('@hotpath/memory');
          return operation(() =>
            lazyRange(0, COUNT)
              .map(itemOf)
              .reduce((total, item) => total + weigh(item), 0),
          );
        },
      },
      'ours:for of lazy': {
        kind: 'ours',
        async setup() {
          const { lazyRange } = await import('@hotpath/memory');
          return operation(() => {
            let total = 0;
            for (const item of lazyRange(0, COUNT).map(itemOf)) total += weigh(item);
            return total;
          });
        },
      },
      'ours:StringList': {
        kind: 'ours',
        async setup() {
          const { StringList } = await import('@hotpath/memory');
          return operation(() => {
            const items = new StringList({ capacity: COUNT, capacityBytes: COUNT * 16 });
            for (let i = 0; i < COUNT; i++) items.push(itemOf(i));
            let total = 0;
            for (let i = 0; i < COUNT; i++) total += weigh(items.get(i));
            return total;
          });
        },
      },
    },
  },
];

export default cases;
