/**
 * K4: what goes when memory is full. One operation replays a trace of which a third is a scan: keys that come by once.
 * Two readings of it. `operations` counts the policy's own work alone. `with the misses` makes each miss cost what the
 * cheapest of all levels below costs, the decoding of a JSON document, and so shows what the policy is for.
 */

import type { Case, CaseContext, Findings, Operation, Variant, VariantKind } from '../harness/case.ts';
import { traceOf, type TraceShape } from './trace.ts';

const SHAPE: TraceShape = { requests: 100_000, keys: 20_000, skew: 0.9, scanEvery: 3 };
/** One per cent of the keys. */
const MAX_ENTRIES = 200;
/** Of the document that a miss decodes. */
const DOCUMENT_ROWS = 20;

/** What lru-cache has as well. */
interface Policy {
  get(key: string): object | undefined;
  set(key: string, value: object): unknown;
}

function replay(kind: VariantKind, load: () => Promise<() => Policy>, decodes: boolean): Variant {
  return {
    kind,
    async setup(context: CaseContext): Promise<Operation> {
      const trace = traceOf(context.seed, SHAPE);
      const make = await load();
      const rows = Array.from({ length: DOCUMENT_ROWS }, (_, id) => ({
        id,
        name: `name ${id}`,
        tags: ['a', 'b'],
      }));
      const text = JSON.stringify(rows);
      let hitRate = 0;
      const read: () => object = decodes ? () => JSON.parse(text) as object : () => rows;
      return {
        run() {
          const policy = make();
          let hits = 0;
          for (const key of trace) {
            if (policy.get(key) === undefined) policy.set(key, read());
            else hits++;
          }
          hitRate = hits / trace.length;
          return hits;
        },
        // They differ in what they keep, and agree that what was just put in is there.
        answer() {
          const policy = make();
          return trace.slice(0, 1000).every((key) => {
            if (policy.get(key) === undefined) policy.set(key, read());
            return policy.get(key) !== undefined;
          });
        },
        findings: (): Findings => ({
          measurements: [{ metric: 'rate', unit: 'hits/read', value: hitRate, better: 'more' }],
        }),
      };
    },
  };
}

function variants(decodes: boolean): Case['variants'] {
  return {
    naive: replay(
      'naive',
      async () => {
        const { LRUCache } = await import('lru-cache');
        return () => new LRUCache<string, object>({ max: MAX_ENTRIES });
      },
      decodes,
    ),
    ours: replay(
      'ours',
      async () => {
        const { S3FifoCache } = await import('@hotpath/cache/policy');
        return () => new S3FifoCache<object>(MAX_ENTRIES);
      },
      decodes,
    ),
    'ours:arc': replay(
      'ours',
      async () => {
        const { ArcCache } = await import('@hotpath/cache/policy');
        return () => new ArcCache<object>(MAX_ENTRIES);
      },
      decodes,
    ),
  };
}

const cases: readonly Case[] = [
  {
    id: 'K4',
    case: 'scan-polluted zipf, with the misses',
    package: 'cache',
    tier: 'guide',
    params: { ...SHAPE, maxEntries: MAX_ENTRIES, naive: 'lru-cache', missDecodesRows: DOCUMENT_ROWS },
    guide: null,
    async: false,
    variants: variants(true),
  },
  {
    id: 'K4',
    case: 'scan-polluted zipf, operations',
    package: 'cache',
    tier: 'peers',
    params: { ...SHAPE, maxEntries: MAX_ENTRIES, naive: 'lru-cache' },
    guide: null,
    async: false,
    variants: variants(false),
  },
];

export default cases;
