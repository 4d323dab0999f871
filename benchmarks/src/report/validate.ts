/**
 * Reads a record: the only door through which a report of unknown origin comes in.
 *
 * What comes out is built anew, field by field, so unknown fields are dropped and nothing unchecked gets through.
 */

import type { GuideFigure } from '../harness/case.ts';
import { ReportFormatError, ReportVersionError } from './errors.ts';
import type { Environment, Ratio, Report, Result, Row, Series } from './record.ts';
import { SCHEMA_VERSION } from './record.ts';

type Fields = Readonly<Record<string, unknown>>;
type Scalar = string | number | boolean;

const PACKAGES = ['memory', 'cpu', 'io', 'database', 'cache', 'profile', 'benchmarks'] as const;
const KINDS = ['naive', 'ours', 'peer', 'floor'] as const;
const METRICS = ['time', 'bytes', 'count', 'rate'] as const;
const VERDICTS = [
  'reproduced',
  'short',
  'measured',
  'inconclusive',
  'not-applicable',
  'left-out',
  'failed',
] as const;
const BASES = ['ratio', 'efficiency'] as const;

function fields(value: unknown, path: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ReportFormatError(path, 'an object', value);
  }
  return value as Fields;
}

function list<T>(value: unknown, path: string, read: (item: unknown, path: string) => T): T[] {
  if (!Array.isArray(value)) throw new ReportFormatError(path, 'an array', value);
  return value.map((item, index) => read(item, `${path}[${index}]`));
}

function string(value: unknown, path: string): string {
  if (typeof value !== 'string') throw new ReportFormatError(path, 'a string', value);
  return value;
}

function number(value: unknown, path: string): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) {
    throw new ReportFormatError(path, 'a finite number', value);
  }
  return value;
}

function notNegative(value: unknown, path: string): number {
  if (number(value, path) < 0) throw new ReportFormatError(path, 'a number that is not negative', value);
  return value as number;
}

function oneOf<T extends string>(allowed: readonly T[], value: unknown, path: string): T {
  if (!allowed.includes(value as T)) {
    throw new ReportFormatError(path, `one of ${allowed.map((name) => `'${name}'`).join(', ')}`, value);
  }
  return value as T;
}

function scalar(value: unknown, path: string): Scalar {
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  return number(value, path);
}

/** Own properties only, defined one by one, so that a key named `__proto__` is data like any other. */
function mapOf<T>(
  value: unknown,
  path: string,
  read: (item: unknown, path: string) => T,
): Readonly<Record<string, T>> {
  const entries = Object.entries(fields(value, path));
  return Object.fromEntries(
    entries.map(([key, item]) => [key, read(item, `${path}[${JSON.stringify(key)}]`)]),
  );
}

function interval(of: Fields, path: string): { readonly low: number; readonly high: number } {
  const low = number(of['low'], `${path}.low`);
  const high = number(of['high'], `${path}.high`);
  if (low > high) throw new ReportFormatError(`${path}.low`, `at most ${path}.high (${high})`, low);
  return { low, high };
}

function readEnvironment(value: unknown, path: string): Environment {
  const from = fields(value, path);
  return {
    date: string(from['date'], `${path}.date`),
    cpu: string(from['cpu'], `${path}.cpu`),
    cores: notNegative(from['cores'], `${path}.cores`),
    caches: string(from['caches'], `${path}.caches`),
    governor: string(from['governor'], `${path}.governor`),
    memoryBytes: notNegative(from['memoryBytes'], `${path}.memoryBytes`),
    os: string(from['os'], `${path}.os`),
    node: string(from['node'], `${path}.node`),
    v8: string(from['v8'], `${path}.v8`),
    commit: string(from['commit'], `${path}.commit`),
    load: number(from['load'], `${path}.load`),
    services: mapOf(from['services'], `${path}.services`, string),
    settings: mapOf(from['settings'], `${path}.settings`, scalar),
  };
}

function readGuide(value: unknown, path: string): GuideFigure | null {
  if (value === null) return null;
  const from = fields(value, path);
  const guide = {
    text: string(from['text'], `${path}.text`),
    ratio: notNegative(from['ratio'], `${path}.ratio`),
    // The first records had no basis, and `ratio` is what they meant.
    basis: from['basis'] === undefined ? 'ratio' : oneOf(BASES, from['basis'], `${path}.basis`),
  } as const;
  return from['cores'] === undefined ? guide : { ...guide, cores: number(from['cores'], `${path}.cores`) };
}

function readResult(value: unknown, path: string): Result {
  const from = fields(value, path);
  const result: Result = {
    variant: string(from['variant'], `${path}.variant`),
    kind: oneOf(KINDS, from['kind'], `${path}.kind`),
    metric: oneOf(METRICS, from['metric'], `${path}.metric`),
    unit: string(from['unit'], `${path}.unit`),
    value: number(from['value'], `${path}.value`),
    ...interval(from, path),
  };
  if (from['quantiles'] === undefined) return result;
  const at = `${path}.quantiles`;
  const quantiles = fields(from['quantiles'], at);
  return {
    ...result,
    quantiles: {
      p50: number(quantiles['p50'], `${at}.p50`),
      p90: number(quantiles['p90'], `${at}.p90`),
      p99: number(quantiles['p99'], `${at}.p99`),
      p999: number(quantiles['p999'], `${at}.p999`),
      max: number(quantiles['max'], `${at}.max`),
    },
  };
}

function readRatio(value: unknown, path: string): Ratio {
  const from = fields(value, path);
  const { unit } = from;
  return {
    ...(unit === undefined ? {} : { unit: string(unit, `${path}.unit`) }),
    of: string(from['of'], `${path}.of`),
    over: string(from['over'], `${path}.over`),
    metric: oneOf(METRICS, from['metric'], `${path}.metric`),
    ratio: notNegative(from['ratio'], `${path}.ratio`),
    ...interval(from, path),
  };
}

function readSeries(value: unknown, path: string): Series {
  const from = fields(value, path);
  const name = string(from['name'], `${path}.name`);
  const x = list(from['x'], `${path}.x`, number);
  const y = list(from['y'], `${path}.y`, number);
  if (x.length !== y.length)
    throw new ReportFormatError(`${path}.y`, `${x.length} numbers, like x`, from['y']);
  return { name, x, y };
}

function readRow(value: unknown, path: string): Row {
  const from = fields(value, path);
  const { claim, notes, series } = from;
  return {
    id: string(from['id'], `${path}.id`),
    case: string(from['case'], `${path}.case`),
    package: oneOf(PACKAGES, from['package'], `${path}.package`),
    params: mapOf(from['params'], `${path}.params`, scalar),
    guide: readGuide(from['guide'], `${path}.guide`),
    results: list(from['results'], `${path}.results`, readResult),
    ratios: list(from['ratios'], `${path}.ratios`, readRatio),
    verdict: oneOf(VERDICTS, from['verdict'], `${path}.verdict`),
    reason: string(from['reason'], `${path}.reason`),
    ...(claim === undefined ? {} : { claim: number(claim, `${path}.claim`) }),
    ...(notes === undefined ? {} : { notes: list(notes, `${path}.notes`, string) }),
    ...(series === undefined ? {} : { series: list(series, `${path}.series`, readSeries) }),
  };
}

/**
 * Checks that `value` is a report of this schema and copies it, without the fields that it does not know.
 *
 * @throws {ReportVersionError} the record is of another version of the schema; nothing else of it was looked at.
 * @throws {ReportFormatError} a field is missing or wrong; `path` names it.
 */
export function validateReport(value: unknown): Report {
  const from = fields(value, '');
  const schema = number(from['schema'], 'schema');
  if (schema !== SCHEMA_VERSION) throw new ReportVersionError(schema, SCHEMA_VERSION);
  return {
    schema: SCHEMA_VERSION,
    environment: readEnvironment(from['environment'], 'environment'),
    rows: list(from['rows'], 'rows', readRow),
  };
}

/**
 * Reads a record from its JSON text.
 *
 * @throws {ReportFormatError} the text is no JSON, or no report.
 * @throws {ReportVersionError} the record is of another version of the schema.
 */
export function parseReport(text: string): Report {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new ReportFormatError('', 'JSON', text, { cause: error });
  }
  return validateReport(value);
}
