/** Axes: from a figure to its place in percent, and where the ticks go. Pure. */

import { formatRound } from './format.ts';

export interface Tick {
  /** Place on the axis, in percent. */
  readonly at: number;
  readonly label: string;
}

export interface Scale {
  /** The place of a value in percent, kept within 0 and 100. */
  at(value: number): number;
  readonly ticks: readonly Tick[];
}

/** Least and greatest of any number of values; `Math.min(...values)` ends at some hundred thousand. */
function rangeOf(values: Iterable<number>): readonly [least: number, greatest: number] {
  let least = Infinity;
  let greatest = -Infinity;
  for (const value of values) {
    if (value < least) least = value;
    if (value > greatest) greatest = value;
  }
  return [least, greatest];
}

function clamp(percent: number): number {
  return Math.round(Math.min(100, Math.max(0, percent)) * 100) / 100;
}

const MOST_TICKS = 6;

/** Decades from below the least to above the greatest value; values that are not above zero do not count. */
export function logScale(values: readonly number[], label: (value: number) => string = formatRound): Scale {
  const positive = values.filter((value) => value > 0 && Number.isFinite(value));
  const [least, greatest] = positive.length === 0 ? [1, 10] : rangeOf(positive);
  const from = Math.floor(Math.log10(least) + 1e-9);
  const to = Math.max(from + 1, Math.ceil(Math.log10(greatest) - 1e-9));
  const place = (value: number): number => clamp(((Math.log10(value) - from) / (to - from)) * 100);
  const step = Math.ceil((to - from) / (MOST_TICKS - 1));
  const ticks: Tick[] = [];
  for (let decade = from; decade <= to; decade += step) {
    ticks.push({ at: place(10 ** decade), label: label(Number(`1e${decade}`)) });
  }
  return { at: (value) => (value > 0 ? place(value) : 0), ticks };
}

/** A log axis of ratios with 1 inside: as narrow as the values allow, so that small differences show. */
export function ratioScale(ratios: readonly number[]): Scale {
  const logs = ratios
    .filter((ratio) => ratio > 0 && Number.isFinite(ratio))
    .map((ratio) => Math.log10(ratio));
  const [least, greatest] = rangeOf([...logs, Math.log10(0.5), Math.log10(2)]);
  const from = least - 0.05;
  const to = greatest + 0.05;
  const place = (ratio: number): number => clamp(((Math.log10(ratio) - from) / (to - from)) * 100);
  const decades = Math.ceil(to) - Math.floor(from);
  const candidates: number[] = [];
  for (let decade = Math.floor(from); decade <= Math.ceil(to); decade++) {
    const factors = decades > 4 ? [1] : decades > 2 ? [1, 3] : [1, 2, 5];
    for (const factor of factors) candidates.push(factor * 10 ** decade);
  }
  const inside = candidates.filter((ratio) => Math.log10(ratio) >= from && Math.log10(ratio) <= to);
  const every = Math.ceil(inside.length / MOST_TICKS);
  const one = inside.indexOf(1);
  const shown = inside.filter((_, index) => (index - one) % every === 0);
  return {
    at: (ratio) => (ratio > 0 ? place(ratio) : 0),
    ticks: shown.map((ratio) => ({ at: place(ratio), label: shortTimes(Number(ratio.toPrecision(1))) })),
  };
}

/** `100×`, `10k×`, `1M×`: a label that its neighbours leave room for on a phone. */
function shortTimes(ratio: number): string {
  if (ratio >= 1e6) return `${ratio / 1e6}M×`;
  return ratio >= 1e4 ? `${ratio / 1e3}k×` : `${ratio}×`;
}

/** From zero, or from below the least value, to a round number above the greatest. */
export function linearScale(
  values: readonly number[],
  label: (value: number) => string = formatRound,
): Scale {
  const [least, end] = rangeOf([0, ...values.filter(Number.isFinite)]);
  const greatest = end > least ? end : least + 1;
  const rough = (greatest - least) / (MOST_TICKS - 2);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
  const from = Math.floor(least / step) * step;
  const to = Math.max(from + step, Math.ceil(greatest / step) * step);
  const place = (value: number): number => clamp(((value - from) / (to - from)) * 100);
  const ticks: Tick[] = [];
  for (let index = 0; index <= Math.round((to - from) / step); index++) {
    const value = from + index * step;
    ticks.push({ at: place(value), label: label(Math.abs(value) < step / 1e6 ? 0 : value) });
  }
  return { at: place, ticks };
}

const WIDE_RANGE = 20;

/** A log axis where all values are above zero and span more than a decade or so, else a linear one. */
export function fittingScale(values: readonly number[], label?: (value: number) => string): Scale {
  const [least, greatest] = rangeOf(values);
  const isWide = least > 0 && greatest / least >= WIDE_RANGE;
  return isWide ? logScale(values, label) : linearScale(values, label);
}
