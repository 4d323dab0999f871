import { describe, expect, test } from 'vitest';
import { ReportFormatError, ReportVersionError } from '../../dist/report/errors.js';
import { parseReport, validateReport } from '../../dist/report/validate.js';
import { EMPTY, FULL, HOSTILE } from './fixtures.ts';

type Loose = Record<string, any>; // oxlint-disable-line typescript/no-explicit-any -- the tests break records on purpose

function broken(change: (report: Loose) => void): unknown {
  const report = JSON.parse(JSON.stringify(FULL)) as Loose;
  change(report);
  return report;
}

function errorOf(value: unknown): Error {
  try {
    validateReport(value);
  } catch (error) {
    return error as Error;
  }
  throw new Error('the record was accepted');
}

describe('a record', () => {
  test.each([
    ['full', FULL],
    ['empty', EMPTY],
    ['hostile', HOSTILE],
  ])('survives JSON and reading unchanged (%s)', (_, report) => {
    // A lone surrogate and a NUL are legal in JSON, and are the renderers' business.
    expect(parseReport(JSON.stringify(report))).toEqual(report);
  });

  test('loses the fields that this version does not know, everywhere', () => {
    const value = broken((report) => {
      report['next'] = 1;
      report['environment'].gpu = 'none';
      report['rows'][0].color = 'red';
      report['rows'][0].results[0].p42 = 1;
      report['rows'][0].ratios[0].note = 'x';
      report['rows'][0].guide.page = 7;
    });
    expect(validateReport(value)).toEqual(FULL);
  });

  test('without a basis in a guide figure means a ratio', () => {
    const value = broken((report) => delete report['rows'][0].guide.basis);
    expect(validateReport(value).rows[0]!.guide!.basis).toBe('ratio');
  });

  test('keeps a key named __proto__ as data', () => {
    const value = JSON.parse(JSON.stringify(EMPTY).replace('"seed":42', '"__proto__":"x"')) as unknown;
    const { settings } = validateReport(value).environment;
    expect(Object.keys(settings)).toContain('__proto__');
    expect(Object.getPrototypeOf(settings)).toBe(Object.prototype);
  });
});

describe('reading refuses', () => {
  test.each([0, 2, 99, -1, 1.5])('schema %d, with both versions named', (schema) => {
    const error = errorOf({ schema });
    expect(error).toBeInstanceOf(ReportVersionError);
    expect(error).toMatchObject({
      code: 'ERR_HOTPATH_BENCHMARKS_REPORT_VERSION',
      found: schema,
      supported: 1,
    });
    expect(error.message).toContain(`got version ${schema}`);
  });

  test.each<[path: string, change: (report: Loose) => unknown]>([
    ['schema', (report) => (report['schema'] = '1')],
    ['environment', (report) => delete report['environment']],
    ['environment.cores', (report) => (report['environment'].cores = -2)],
    ['environment.load', (report) => (report['environment'].load = null)],
    ['environment.services["redis"]', (report) => (report['environment'].services.redis = 7)],
    ['environment.settings["seed"]', (report) => (report['environment'].settings.seed = [])],
    ['rows', (report) => (report['rows'] = {})],
    ['rows[1]', (report) => (report['rows'][1] = null)],
    ['rows[2].package', (report) => (report['rows'][2].package = 'gpu')],
    ['rows[2].verdict', (report) => (report['rows'][2].verdict = 'toString')],
    ['rows[0].guide', (report) => delete report['rows'][0].guide],
    ['rows[0].guide.ratio', (report) => (report['rows'][0].guide.ratio = Number.NaN)],
    ['rows[3].guide.cores', (report) => (report['rows'][3].guide.cores = '8')],
    ['rows[0].results[4].kind', (report) => (report['rows'][0].results[4].kind = 'theirs')],
    ['rows[0].results[4].high', (report) => (report['rows'][0].results[4].high = Number.POSITIVE_INFINITY)],
    ['rows[0].results[0].low', (report) => (report['rows'][0].results[0].low = 1e300)],
    ['rows[0].results[0].quantiles.p999', (report) => delete report['rows'][0].results[0].quantiles.p999],
    ['rows[0].ratios[1].ratio', (report) => (report['rows'][0].ratios[1].ratio = -1)],
    ['rows[0].notes[0]', (report) => (report['rows'][0].notes[0] = 1)],
    ['rows[4].series[0].y', (report) => report['rows'][4].series[0].y.pop()],
    ['rows[4].series[2].x[1]', (report) => (report['rows'][4].series[2].x[1] = null)],
  ])('a wrong %s, by that name', (path, change) => {
    const error = errorOf(broken(change));
    expect(error).toBeInstanceOf(ReportFormatError);
    expect(error).toMatchObject({ path, code: 'ERR_HOTPATH_BENCHMARKS_REPORT_FORMAT' });
    expect(error.message).toContain(`${path}: expected`);
  });

  test.each([null, 1, 'text', [], undefined, true])('%j in place of a record', (value) => {
    expect(errorOf(value)).toMatchObject({ path: '' });
  });

  test('text that is no JSON, keeping the cause and showing little of it', () => {
    const text = `{"secret": ${'x'.repeat(500)}`;
    expect(() => parseReport(text)).toThrow(ReportFormatError);
    try {
      parseReport(text);
    } catch (error) {
      expect((error as Error).cause).toBeInstanceOf(SyntaxError);
      expect((error as Error).message.length).toBeLessThan(120);
    }
  });
});
