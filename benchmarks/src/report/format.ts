/** Figures as people read them. Pure. */

/** What stands where there is no figure. */
export const NO_FIGURE = '–';

const SIGNIFICANT = 3;
/** Between two digits, with a multiple of three behind. */
const THOUSANDS = /\B(?=(?:\d{3})+$)/g;
/** A unit is a few letters; a longer one would break every table. */
const LONGEST_UNIT = 24;
const TIME_STEPS = [
  [1e9, 's'],
  [1e6, 'ms'],
  [1e3, 'µs'],
  [1, 'ns'],
] as const;
const BYTE_STEPS = [
  [2 ** 40, 'TiB'],
  [2 ** 30, 'GiB'],
  [2 ** 20, 'MiB'],
  [2 ** 10, 'KiB'],
] as const;

/** Three significant digits, thousands apart: `0.0123`, `1.23`, `123`, `12,300`. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return NO_FIGURE;
  if (value === 0) return '0';
  const rounded = Number(value.toPrecision(SIGNIFICANT));
  const magnitude = Math.abs(rounded);
  if (magnitude >= 1e15 || magnitude < 1e-6) return value.toExponential(SIGNIFICANT - 1);
  const decimals = Math.max(0, SIGNIFICANT - 1 - Math.floor(Math.log10(magnitude)));
  const text = rounded.toFixed(Math.min(decimals, 9));
  // By hand: toLocaleString takes microseconds, and a report has thousands of figures.
  return magnitude < 1000 ? text : text.replaceAll(THOUSANDS, ',');
}

/** A figure that is round, on an axis: without the zeros that {@link formatNumber} keeps for precision. */
export function formatRound(value: number): string {
  return formatNumber(value).replace(/\.0+$|(\.\d*[1-9])0+$/, '$1');
}

/** A ratio with its sign: `1.82×`, `583×`, `10,000×`. */
export function formatTimes(ratio: number): string {
  return Number.isFinite(ratio) ? `${formatNumber(ratio)}×` : NO_FIGURE;
}

/** The two ends of an interval of ratios: `1.80 – 1.85`. */
export function formatEnds(low: number, high: number): string {
  if (!Number.isFinite(low) || !Number.isFinite(high)) return NO_FIGURE;
  return `${formatNumber(low)} – ${formatNumber(high)}`;
}

/**
 * A value in the step of its unit that reads best: `1230 ns/op` is `1.23 µs`, `B/op` goes by 1024. The `/op` of a time
 * is left away, since every time here is one operation's; other words stay: `12.3 ms p99`.
 */
export function formatValue(value: number, unit: string): string {
  if (!Number.isFinite(value)) return NO_FIGURE;
  if (unit === 'ns' || unit === 'ns/op') {
    const [size, name] = TIME_STEPS.find(([size]) => Math.abs(value) >= size) ?? [1, 'ns'];
    return `${formatNumber(value / size)} ${name}`;
  }
  if (unit.startsWith('ns ') && unit.length <= LONGEST_UNIT) {
    return `${formatValue(value, 'ns')}${unit.slice(2)}`;
  }
  if (unit === 'B' || ((unit.startsWith('B/') || unit.startsWith('B ')) && unit.length <= LONGEST_UNIT)) {
    const step = BYTE_STEPS.find(([size]) => Math.abs(value) >= size);
    const rest = unit.slice(1);
    return step === undefined
      ? `${formatNumber(value)} B${rest}`
      : `${formatNumber(value / step[0])} ${step[1]}${rest}`;
  }
  const short = unit.length > LONGEST_UNIT ? `${unit.slice(0, LONGEST_UNIT)}…` : unit;
  return `${formatNumber(value)} ${short}`.trimEnd();
}

/** `2026-11-22 21:24 UTC`, or the text itself when it is no date. */
export function formatDate(iso: string): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return iso;
  return `${date.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

/** `1 row`, `2 rows`. */
export function formatCount(count: number, one: string, many: string = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** Memory or cache, by steps of 1024: `3.8 GiB`. */
export function formatBytes(bytes: number): string {
  return formatValue(bytes, 'B');
}
