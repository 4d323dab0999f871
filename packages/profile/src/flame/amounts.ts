/** Amounts as people read them. Pure. */

/** What the numbers of a call tree count. */
export type FlameUnit = 'ms' | 'bytes' | 'count';

// Made once: a formatter costs more than a thousand uses of it.
const whole = new Intl.NumberFormat('en-GB', { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat('en-GB', { maximumSignificantDigits: 3 });

const digits = (value: number): string => (value >= 100 ? whole : short).format(value);

function scaled(value: number, step: number, names: readonly string[]): string {
  let at = 0;
  let rest = value;
  while (rest >= step && at < names.length - 1) {
    rest /= step;
    at++;
  }
  return `${digits(rest)} ${names[at]}`;
}

export function formatAmount(value: number, unit: FlameUnit): string {
  if (unit === 'bytes') return scaled(value, 1024, ['B', 'KiB', 'MiB', 'GiB']);
  if (unit === 'count') return whole.format(value);
  return value >= 1000 ? `${digits(value / 1000)} s` : `${digits(value)} ms`;
}

/** A share from 0 to 1 in percent. */
export function formatShare(share: number): string {
  return `${(share * 100).toFixed(share < 0.1 ? 2 : 1)} %`;
}

/** How `after` compares with `before`: `−63.0 %`, `new`, `gone`. */
export function formatChange(before: number, after: number): string {
  if (before === 0) return after === 0 ? 'unchanged' : 'new';
  if (after === 0) return 'gone';
  const change = (after / before - 1) * 100;
  return `${change < 0 ? '−' : '+'}${Math.abs(change).toFixed(1)} %`;
}
