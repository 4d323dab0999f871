import type { Ratio, Report, Result, Row } from '../../dist/report/record.js';

export const ENVIRONMENT: Report['environment'] = {
  date: '2026-11-22T21:24:06.000Z',
  cpu: 'AMD EPYC 7571',
  cores: 2,
  caches: 'L1d 32K, L2 512K, L3 8192K',
  governor: 'unknown',
  memoryBytes: 8_200_000_000,
  os: 'Linux 6.1 x64',
  node: '20.20.2',
  v8: '11.3.244.8',
  commit: '61f8c0b',
  load: 0.42,
  services: {
    postgres: '18.4, started by the run; fsync=on, synchronous_commit=on, shared_buffers=128MB',
    redis: '7.0.15, found on the PATH; appendonly=no',
  },
  settings: { tier: 'guide', seed: 42, rounds: 12, processes: 7 },
};

export function time(variant: string, kind: Result['kind'], ns: number, tail?: number): Result {
  const result: Result = {
    variant,
    kind,
    metric: 'time',
    unit: 'ns/op',
    value: ns,
    low: ns * 0.98,
    high: ns * 1.03,
  };
  if (tail === undefined) return result;
  return {
    ...result,
    quantiles: {
      p50: ns * 0.97,
      p90: ns * 1.2,
      p99: ns * (1 + tail / 3),
      p999: ns * (1 + tail),
      max: ns * (2 + tail * 3),
    },
  };
}

export function figure(
  variant: string,
  kind: Result['kind'],
  metric: Result['metric'],
  unit: string,
  value: number,
): Result {
  return { variant, kind, metric, unit, value, low: value, high: value };
}

export function ratio(of: string, over: string, value: number, spread = 0.03): Ratio {
  return { of, over, metric: 'time', ratio: value, low: value * (1 - spread), high: value * (1 + spread) };
}

export function row(overrides: Partial<Row>): Row {
  return {
    id: 'M2',
    case: '1000 × 64 KiB',
    package: 'memory',
    params: {},
    guide: null,
    results: [],
    ratios: [],
    verdict: 'measured',
    reason: 'the guide gives no figure',
    ...overrides,
  };
}

const KNEE = [1, 4, 16, 64, 256, 1024, 4096];

/** A run with every verdict, every kind of variant and every kind of plot. */
export const FULL: Report = {
  schema: 1,
  environment: ENVIRONMENT,
  rows: [
    row({
      params: { blocks: 1000, blockSize: 65_536 },
      guide: { text: '500 ms → 50 ms (10×)', ratio: 10, basis: 'ratio' },
      results: [
        time('naive', 'naive', 9_420_000, 3),
        figure('naive', 'naive', 'bytes', 'B/op', 65_640_000),
        figure('naive', 'naive', 'count', 'collections/1e6 op', 1_900_000),
        figure('naive', 'naive', 'bytes', 'B peak RSS', 312_000_000),
        time('ours', 'ours', 61_200, 0.8),
        figure('ours', 'ours', 'bytes', 'B/op', 0.4),
        figure('ours', 'ours', 'count', 'collections/1e6 op', 12),
        figure('ours', 'ours', 'bytes', 'B peak RSS', 88_000_000),
        time('naive:Buffer.alloc', 'naive', 14_100_000, 4),
        time('generic-pool', 'peer', 74_000, 2),
        time('opossum-buffer', 'peer', 43_000, 1),
        time('floor:array-pop', 'floor', 22_000, 0.4),
      ],
      ratios: [
        ratio('ours', 'naive', 153.9),
        ratio('ours', 'naive:Buffer.alloc', 230.4),
        ratio('ours', 'generic-pool', 1.21),
        ratio('ours', 'opossum-buffer', 0.703),
        ratio('ours', 'floor:array-pop', 0.359),
      ],
      verdict: 'reproduced',
      reason: "154× [149×, 159×] reaches the guide's 10.0×",
      notes: ['generic-pool: its processes fell in two modes; read its time with care'],
    }),
    row({
      id: 'M5',
      case: '10,000 fresh',
      params: { particles: 10_000 },
      guide: { text: '150 µs → 80 µs (1.9×)', ratio: 1.9, basis: 'ratio' },
      results: [time('naive', 'naive', 81_000), time('ours', 'ours', 55_100), time('bitecs', 'peer', 57_000)],
      ratios: [ratio('ours', 'naive', 1.47), ratio('ours', 'bitecs', 1.02)],
      verdict: 'short',
      reason:
        "1.47× [1.43×, 1.51×] stays below the guide's 1.90×; V8 already packs doubles of fresh objects in one page",
    }),
    row({
      id: 'C1',
      case: 'add 1000',
      package: 'cpu',
      guide: { text: '250 ns → 65 ns (3.8×)', ratio: 3.8, basis: 'ratio' },
      results: [time('naive', 'naive', 1012), time('ours', 'ours', 254), time('numpy-ts', 'peer', 3100)],
      ratios: [ratio('ours', 'naive', 3.98, 0.08), ratio('ours', 'numpy-ts', 12.2)],
      verdict: 'inconclusive',
      reason: "the guide's 3.80× lies inside 3.98× [3.66×, 4.30×]",
    }),
    row({
      id: 'C2',
      case: '10K',
      package: 'cpu',
      guide: { text: '100 ms → 15 ms (6.7×)', ratio: 6.7, basis: 'efficiency', cores: 8 },
      verdict: 'not-applicable',
      reason: 'one core: nothing can run in parallel',
    }),
    row({
      id: 'I4',
      case: 'batch 1 to 4096',
      package: 'io',
      results: [time('naive', 'naive', 2_400_000, 9), time('ours', 'ours', 190_000, 2)],
      ratios: [ratio('ours', 'naive', 12.6)],
      series: [
        { name: 'throughput (items/s) / ours', x: KNEE, y: [9e3, 34e3, 120e3, 390e3, 810e3, 960e3, 990e3] },
        { name: 'throughput (items/s) / naive', x: KNEE, y: [8e3, 8e3, 8.1e3, 8e3, 8e3, 7.9e3, 8e3] },
        { name: 'latency p99 (ms)', x: KNEE, y: [0.11, 0.12, 0.14, 0.19, 0.4, 1.4, 5.2] },
      ],
    }),
    row({
      id: 'K1',
      case: 'memory → Redis → Postgres',
      package: 'cache',
      guide: { text: '10 ms → 1 ms → 0.01 ms', ratio: 1000, basis: 'ratio' },
      verdict: 'left-out',
      reason: 'no Redis: neither REDIS_URL nor a redis-server was found',
    }),
    row({
      id: 'D2',
      case: '1000 rows',
      package: 'database',
      guide: { text: '30 s → 300 ms (100×)', ratio: 100, basis: 'ratio' },
      results: [time('naive', 'naive', 812_000_000)],
      verdict: 'failed',
      reason: 'ours: the answer differs from that of naive: $.rows: expected 1000, got 999',
    }),
    row({
      id: 'B1',
      case: 'fib(20)',
      package: 'benchmarks',
      guide: { text: '26.5 µs → 45.4 ns (583×)', ratio: 583, basis: 'ratio' },
      results: [time('naive', 'naive', 98_000), time('ours', 'ours', 16.4)],
      ratios: [ratio('ours', 'naive', 5975)],
      verdict: 'reproduced',
      reason: "5975× [5796×, 6154×] reaches the guide's 583×",
    }),
  ],
};

export const EMPTY: Report = { schema: 1, environment: ENVIRONMENT, rows: [] };

export const HOSTILE_STRINGS = [
  `<script>globalThis.pwned = 1</script>`,
  `"><img src=x onerror="globalThis.pwned = 1">`,
  `']]>--><svg onload=globalThis.pwned=1>`,
  `</style><style>*{display:none}</style>`,
  `\u202Egnp.exe\u202C \u2066isolated`,
  `\u001B[31mred\u001B[0m\u0007\u009B2J`,
  `$(touch /tmp/pwned) '; "`,
  `\uD800 lone \u0000 nul`,
  'W'.repeat(2000),
  '表の行の名前がとても長いので幅は二倍 👩‍👩‍👧‍👦',
  'javascript:globalThis.pwned=1',
  '__proto__',
];

/** Every text of the report, one of the hostile strings at a time. */
export const HOSTILE: Report = {
  schema: 1,
  environment: {
    ...ENVIRONMENT,
    date: HOSTILE_STRINGS[0]!,
    cpu: HOSTILE_STRINGS[1]!,
    commit: HOSTILE_STRINGS[2]!,
    os: HOSTILE_STRINGS[5]!,
    services: Object.fromEntries(HOSTILE_STRINGS.map((text) => [text, text])),
    settings: Object.fromEntries(HOSTILE_STRINGS.map((text) => [text, text])),
  },
  rows: HOSTILE_STRINGS.flatMap((text) => [
    row({
      id: text,
      case: text,
      params: { [text]: text },
      guide: { text, ratio: 2, basis: 'ratio' },
      results: [
        { ...time('naive', 'naive', 2000, 1), unit: 'ns/op' },
        { ...time('ours', 'ours', 1000, 1), unit: 'ns/op' },
        { ...time(text, 'peer', 900, 1), unit: text },
      ],
      ratios: [ratio('ours', 'naive', 2), ratio('ours', text, 0.9)],
      verdict: 'short',
      reason: text,
      notes: [text],
      series: [{ name: text, x: [1, 2, 3], y: [1, 0, -1] }],
    }),
    row({ id: text, case: text, verdict: 'left-out', reason: text }),
    row({ id: text, case: text, verdict: 'failed', reason: text }),
  ]),
};

/** A row of the guide's that was reproduced; its case needs escaping in a table. */
export const ROW: Row = {
  id: 'I2',
  case: '1000 | lines',
  package: 'io',
  params: {},
  guide: { text: '40×', ratio: 40, basis: 'ratio' },
  results: [],
  ratios: [],
  verdict: 'reproduced',
  reason: '',
};
