import {
  ArgumentRangeError,
  ArgumentTypeError,
  type CacheOptions,
  createCache,
  type DefineOptions,
  memoryTier,
  type PrecomputeOptions,
  type ReadyOptions,
  type Tier,
} from '@hotpath/cache';
import { expect, test, vi } from 'vitest';
import { DoubleStore } from './tier-double.ts';

const memory: Tier = memoryTier();
const load = (): number => 1;

/** A tier that processes share and that tells of changes. */
const shared = (): Tier => new DoubleStore().tier();
/** One that does not tell. */
const mute = (): Tier => {
  const tier = shared();
  return { name: tier.name, open: (options) => tier.open(options) };
};

/** Each is refused for what it is, and the error names it. */
test.each<[option: string, error: typeof ArgumentTypeError | typeof ArgumentRangeError, options: unknown]>([
  ['options', ArgumentTypeError, undefined],
  ['options', ArgumentTypeError, null],
  ['tiers', ArgumentTypeError, {}],
  ['tiers', ArgumentRangeError, { tiers: [] }],
  ['tiers', ArgumentTypeError, { tiers: [{}] }],
  ['ttlMs', ArgumentRangeError, { tiers: [memory], ttlMs: 0 }],
  ['ttlMs', ArgumentTypeError, { tiers: [memory], ttlMs: '1' }],
  ['jitter', ArgumentRangeError, { tiers: [memory], jitter: 1 }],
  ['namespace', ArgumentRangeError, { tiers: [memory], namespace: 'a:b' }],
  ['breaker.failures', ArgumentRangeError, { tiers: [shared()], breaker: { failures: 0 } }],
  ['breaker', ArgumentTypeError, { tiers: [shared()], breaker: null }],
  ['values', ArgumentRangeError, { tiers: [memory], values: 'cloned' }],
])('createCache: a wrong %s is refused (%#)', (option, error, options) => {
  const create = () => createCache(options as CacheOptions);
  expect(create).toThrow(error);
  expect(create).toThrow(option);
});

test.each<[option: string, error: typeof ArgumentTypeError | typeof ArgumentRangeError, options: unknown]>([
  ['options', ArgumentTypeError, null],
  ['name', ArgumentRangeError, { name: 'a b', load }],
  ['load', ArgumentTypeError, { name: 'a' }],
  ['load', ArgumentTypeError, { name: 'a', load: 1 }],
  ['negativeTtlMs', ArgumentRangeError, { name: 'a', load, negativeTtlMs: -1 }],
  ['version', ArgumentRangeError, { name: 'a', load, version: 1.5 }],
  ['refresh', ArgumentRangeError, { name: 'a', load, refresh: 2 }],
  ['strategy', ArgumentRangeError, { name: 'a', load, strategy: 'hope' }],
  ['stale', ArgumentTypeError, { name: 'a', load, stale: null }],
  ['hotKeys', ArgumentTypeError, { name: 'a', load, hotKeys: null }],
  ['hotKeys.capacity', ArgumentRangeError, { name: 'a', load, hotKeys: { capacity: 0 } }],
  [
    'writeBehind',
    ArgumentTypeError,
    { name: 'a', load, strategy: 'writeBehind', persist: load, writeBehind: null },
  ],
])('define: a wrong %s is refused (%#)', (option, error, options) => {
  const cache = createCache({ tiers: [memory, shared()] });
  const define = () => cache.define(options as DefineOptions<unknown, string>);
  expect(define).toThrow(error);
  expect(define).toThrow(option);
});

test('memoryTier refuses what is out of range', () => {
  expect(() => memoryTier({ maxEntries: 0 })).toThrow(ArgumentRangeError);
  expect(() => memoryTier(null as unknown as object)).toThrow(ArgumentTypeError);
});

type Defining = Omit<DefineOptions<number, string>, 'name' | 'load'>;

/**
 * What contradicts itself, and the same without the contradiction: the first is refused, naming the option, the second is not.
 */
test.each<[option: string, bad: Partial<CacheOptions>, good: Partial<CacheOptions>]>([
  ['disconnectedTtlMs', { tiers: [memory], disconnectedTtlMs: 500 }, { tiers: [memory] }],
  [
    'disconnectedTtlMs',
    { tiers: [memory, mute()], disconnectedTtlMs: 0 },
    { tiers: [memory, mute()], disconnectedTtlMs: 500 },
  ],
  ['breaker', { tiers: [memory], breaker: {} }, { tiers: [mute()], breaker: {} }],
  ['tiers[1]', { tiers: [shared(), memory] }, { tiers: [memory, shared()] }],
  ['tiers[1]', { tiers: [shared(), shared()] }, { tiers: [shared()] }],
])('createCache: %s that contradicts the rest is refused (%#)', (option, bad, good) => {
  const open = (options: Partial<CacheOptions>) => createCache(options as CacheOptions);
  expect(() => open(bad)).toThrow(ArgumentRangeError);
  expect(() => open(bad)).toThrow(option);
  expect(() => open(good)).not.toThrow();
});

const persist = (): Promise<void> => Promise.resolve();
const both = (): Tier[] => [memory, shared()];
const arc = (): Tier[] => [memoryTier({ policy: 'arc' })];

test.each<[option: string, bad: Defining, good: Defining, badTiers?: Tier[], goodTiers?: Tier[]]>([
  ['maxEntries', { maxEntries: 10 }, { maxEntries: 10 }, [shared()]],
  ['maxBytes', { maxBytes: 10 }, { maxBytes: 10 }, [shared()]],
  ['maxBytes', { maxBytes: 10 }, { maxEntries: 10 }, arc(), arc()],
  ['refresh', { refresh: 'xfetch' }, { refresh: 'xfetch' }, [shared()]],
  ['leaseMs', { leaseMs: 10 }, { leaseMs: 10 }, [memory]],
  ['softTimeoutMs', { stale: { softTimeoutMs: 5 } }, { stale: { softTimeoutMs: 5, onErrorMs: 1 } }],
  [
    'softTimeoutMs',
    { loadTimeoutMs: 5, stale: { softTimeoutMs: 5, onErrorMs: 1 } },
    { loadTimeoutMs: 6, stale: { softTimeoutMs: 5, onErrorMs: 1 } },
  ],
  ['stale', { ttlMs: Infinity, stale: { onErrorMs: 1 } }, { ttlMs: 1, stale: { onErrorMs: 1 } }],
  [
    'stale',
    { ttlMs: Infinity, stale: { whileRevalidateMs: 1 } },
    { ttlMs: () => Infinity, stale: { whileRevalidateMs: 1 } },
  ],
  ['versionOf', { strategy: 'versioned' }, { strategy: 'versioned', versionOf: Number }],
  ['versionOf', { versionOf: Number }, { strategy: 'versioned', versionOf: Number }],
  [
    'secondDeleteMs',
    { strategy: 'versioned', versionOf: Number, secondDeleteMs: 5 },
    { strategy: 'lease', secondDeleteMs: 5 },
  ],
  ['persist', { strategy: 'writeBehind' }, { strategy: 'writeBehind', persistMany: persist }],
  ['writeBehind', { writeBehind: {} }, { strategy: 'writeBehind', persist, writeBehind: {} }],
  [
    'writeBehind.maxBatch',
    { strategy: 'writeBehind', persist, writeBehind: { maxPending: 5, maxBatch: 6 } },
    { strategy: 'writeBehind', persist, writeBehind: { maxPending: 5 } },
  ],
  ['hotKeys.idOf', { key: (id) => id, hotKeys: {} }, { key: (id) => id, hotKeys: { idOf: (key) => key } }],
])(
  'define: %s that contradicts the rest is refused (%#)',
  (option, bad, good, badTiers = both(), goodTiers = both()) => {
    const define = (options: Defining, tiers: Tier[]) =>
      createCache({ tiers }).define<number>({ name: 'row', load, ...options });
    const refused = expect(() => define(bad, badTiers));
    refused.toThrow(option === 'persist' ? ArgumentTypeError : ArgumentRangeError);
    refused.toThrow(option);
    expect(() => define(good, goodTiers)).not.toThrow();
  },
);

test('a definition that is refused leaves nothing behind: its name is free, and nothing is saved on a schedule', () => {
  const cache = createCache({ tiers: arc() });
  const scheduled = vi.spyOn(globalThis, 'setInterval');
  expect(() => cache.define({ name: 'row', load, hotKeys: {}, maxBytes: 10 })).toThrow(ArgumentRangeError);
  expect(scheduled).not.toHaveBeenCalled();
  scheduled.mockRestore();
  expect(() => cache.define({ name: 'row', load, maxEntries: 10 })).not.toThrow();
});

test.each<[option: string, options: unknown]>([
  ['options', null],
  ['everyMs', { name: 'daily', compute: load, everyMs: 0 }],
  ['ttlMs', { name: 'daily', compute: load, everyMs: 1000, ttlMs: 1000 }],
  ['compute', { name: 'daily', everyMs: 1000 }],
])('precompute: %s is refused', (option, options) => {
  const cache = createCache({ tiers: [memory] });
  expect(() => cache.precompute(options as PrecomputeOptions<number>)).toThrow(option);
});

test.each<[option: string, error: typeof ArgumentTypeError | typeof ArgumentRangeError, options: unknown]>([
  ['options', ArgumentTypeError, 1000],
  ['timeoutMs', ArgumentTypeError, { timeoutMs: '1000' }],
  ['timeoutMs', ArgumentRangeError, { timeoutMs: -1 }],
])('ready: %s is refused with %o', (option, error, options) => {
  const ready = (): unknown => createCache({ tiers: [memory] }).ready(options as ReadyOptions);
  expect(ready).toThrow(error);
  expect(ready).toThrow(option);
});
