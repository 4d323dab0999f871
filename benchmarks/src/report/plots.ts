/**
 * Plots as static SVG, without a script.
 *
 * Places are in percent and sizes in pixels, so a plot fills whatever width it gets and its text stays as large as the
 * page's. Lines cannot be given in percent: they live in an inner `<svg>` of 100 × 100 units that is stretched, with
 * strokes that do not scale. Colours are classes, so that the page's dark mode recolours them.
 */

import { isFloor, sideOf } from './findings.ts';
import { formatCount, formatNumber, formatValue } from './format.ts';
import type { Content, Markup } from './markup.ts';
import { html, subject } from './markup.ts';
import type { Ratio, Result, Series } from './record.ts';
import type { Scale } from './scales.ts';
import { fittingScale, logScale } from './scales.ts';

/** A log axis of ratios that the bars of one table share; `id` names its grid in the page. */
export interface RatioAxis {
  readonly scale: Scale;
  readonly id: string;
}

/** The bar of one ratio: from 1 to its value, its interval as a dark line, the guide's figure as a diamond. */
export function ratioBar(axis: RatioAxis, ratio: Ratio | undefined, goal: number | undefined): Markup {
  return html`<svg class="bar" aria-hidden="true">
    <use href="#${axis.id}" />
    ${ratio !== undefined && barOf(axis.scale, ratio)} ${goal !== undefined && goalMark(axis.scale.at(goal))}
  </svg>`;
}

function barOf(scale: Scale, ratio: Ratio): Markup {
  const one = scale.at(1);
  const end = scale.at(ratio.ratio);
  const side = isFloor(ratio.over) ? 'floor' : sideOf(ratio);
  const [x, width] = [Math.min(one, end), round(Math.abs(end - one))];
  const [low, high] = [scale.at(ratio.low), scale.at(ratio.high)];
  return html`<rect class="${side}" x="${x}%" width="${width}%" />
    <rect class="ci" x="${low}%" width="${round(high - low)}%" />`;
}

/** A diamond around a place in percent: nested, because a path cannot be placed in percent. */
function goalMark(at: number): Markup {
  return html`<svg x="${at}%" y="12"><path class="goal" d="M0-7 5 0 0 7-5 0Z" /></svg>`;
}

/** The labels over a column of {@link ratioBar}s, and the grid that each of them uses. */
export function ratioAxis({ scale, id }: RatioAxis): Markup {
  return html`<svg class="axis" aria-hidden="true">
    <symbol id="${id}">
      ${scale.ticks.map(({ at }) => html`<line class="grid" x1="${at}%" x2="${at}%" y2="24" />`)}
      <line class="one" x1="${scale.at(1)}%" x2="${scale.at(1)}%" y2="24" />
    </symbol>
    ${scale.ticks.map(({ at, label }) => html`<text x="${at}%" y="13" ${edge(at)}>${label}</text>`)}
  </svg>`;
}

/** Labels are centred on their place, except near an edge, where they would stand out of the plot. */
function edge(at: number): Markup | false {
  if (at < 6) return html` class="first"`;
  return at > 94 && html` class="last"`;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

interface Line {
  readonly name: string;
  /** Which of the page's line colours: `ours`, `naive`, `floor`, `p1` … */
  readonly style: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

interface Axes {
  readonly x: Scale;
  readonly y: Scale;
  /** A dot on each measured point. */
  readonly marks: boolean;
}

// The labels of the y axis stand inside the plot, above their lines; the curves keep to the right of them. In percent.
const LEFT = 15;
const RIGHT = 98;
const TOP = 8;
const BOTTOM = 86;
/** With more points than this, the line is clearer without dots. */
const MARKED_POINTS = 24;
/** More points than this cannot be told apart on a screen, and would only make the page heavy. */
const MOST_POINTS = 160;

const across = (percent: number): number => round(LEFT + (percent / 100) * (RIGHT - LEFT));
const up = (percent: number): number => round(BOTTOM - (percent / 100) * (BOTTOM - TOP));

function linePlot(title: Content, summary: string, lines: readonly Line[], { x, y, marks }: Axes): Markup {
  const placed = lines.map(({ style, points }) => ({
    style,
    places: thin(points).map(([px, py]) => [across(x.at(px)), up(y.at(py))] as const),
  }));
  return html`<figure class="plot">
    <figcaption>${title}</figcaption>
    <svg role="img" aria-label="${summary}">
      ${y.ticks.map(({ at }) => html`<line class="grid" x2="100%" y1="${up(at)}%" y2="${up(at)}%" />`)}
      <g class="y">${y.ticks.map(({ at, label }) => html`<text y="${up(at)}%" dy="-4">${label}</text>`)}</g>
      ${x.ticks.map(({ at, label }) => html`<text x="${across(at)}%" y="97%" ${edge(at)}>${label}</text>`)}
      <svg viewBox="0 0 100 100" preserveAspectRatio="none" width="100%" height="100%">
        ${placed.map(({ style, places }) => html`<polyline class="l-${style}" points="${places.map(([px, py]) => `${px},${py}`).join(' ')}" />`)}
      </svg>
      ${
        marks &&
        placed.map(
          ({ style, places }) =>
            places.length <= MARKED_POINTS &&
            places.map(([px, py]) => html`<circle class="l-${style}" cx="${px}%" cy="${py}%" />`),
        )
      }
    </svg>
    ${
      lines.length > 1 &&
      html`<ul class="legend">
        ${lines.map(({ name, style }) => html`<li class="l-${style}">${subject(name)}</li>`)}
      </ul>`
    }
  </figure>`;
}

/** Every n-th point, and the last. */
function thin<T>(points: readonly T[]): readonly T[] {
  const step = Math.ceil(points.length / MOST_POINTS);
  return step <= 1 ? points : points.filter((_, index) => index % step === 0 || index === points.length - 1);
}

/** How many peers get a colour of their own before colours repeat with another dash. */
const PEER_STYLES = 6;

/** A line style for each name: ours, naive and floors have their own, the others take theirs in turn. */
function stylesFor(names: readonly string[]): string[] {
  let peers = 0;
  const taken = new Set<string>();
  return names.map((name) => {
    const own = ['ours', 'naive', 'floor'].find((kind) => name === kind || name.startsWith(`${kind}:`));
    if (own !== undefined && !taken.has(own)) {
      taken.add(own);
      return own;
    }
    return `p${(peers++ % PEER_STYLES) + 1}`;
  });
}

type Quantiles = NonNullable<Result['quantiles']>;

/** Beyond p99.9 lies the worst of a run, a place of its own at the end of the axis. */
const WORST = 3.7;
const QUANTILE_AXIS: readonly (readonly [name: keyof Quantiles, at: number, label: string])[] = [
  ['p50', -Math.log10(0.5), 'p50'],
  ['p90', 1, 'p90'],
  ['p99', 2, 'p99'],
  ['p999', 3, 'p99.9'],
  ['max', WORST, 'max'],
];

/** Latencies over their quantile on a −log₁₀(1 − p) axis, where a tail is as wide as it matters. */
export function quantilePlot(results: readonly Result[]): Markup | undefined {
  const told = results.filter(({ quantiles }) => quantiles !== undefined);
  if (told.length === 0) return undefined;
  const unit = told[0]!.unit;
  const styles = stylesFor(told.map(({ variant }) => variant));
  const lines = told.map(({ variant, quantiles }, index): Line => ({
    name: variant,
    style: styles[index]!,
    points: QUANTILE_AXIS.map(([name, at]) => [at, quantiles![name]]),
  }));
  const first = QUANTILE_AXIS[0]![1];
  const place = (at: number): number => ((at - first) / (WORST - first)) * 100;
  const x: Scale = { at: place, ticks: QUANTILE_AXIS.map(([, at, label]) => ({ at: place(at), label })) };
  const values = lines.flatMap(({ points }) => points.map(([, value]) => value));
  const summary = told.map(
    ({ variant, quantiles }) =>
      `${variant}: median ${formatValue(quantiles!.p50, unit)}, p99 ${formatValue(quantiles!.p99, unit)}`,
  );
  return linePlot('Latency by quantile', `Latency by quantile. ${summary.join('. ')}`, lines, {
    x,
    y: logScale(values, (value) => formatValue(value, unit).replace(/\.0+ /, ' ')),
    marks: false,
  });
}

/**
 * The curves of a row. `plot / line` as a series' name puts the line into a plot with the others of that plot, on shared
 * axes; a name without it is a plot of its own, since series may have different units.
 */
export function seriesPlots(series: readonly Series[]): Markup[] {
  const plots = new Map<string, { readonly name: string; readonly of: Series }[]>();
  for (const of of series) {
    const cut = of.name.lastIndexOf(' / ');
    const title = cut === -1 ? of.name : of.name.slice(0, cut);
    const line = { name: cut === -1 ? of.name : of.name.slice(cut + 3), of };
    const known = plots.get(title);
    if (known === undefined) plots.set(title, [line]);
    else known.push(line);
  }
  return [...plots].map(([title, members]) => {
    const styles = stylesFor(members.length === 1 ? ['ours'] : members.map(({ name }) => name));
    const lines = members.map(({ name, of }, index): Line => ({
      name,
      style: styles[index]!,
      points: of.x.map((px, at) => [px, of.y[at]!]),
    }));
    const values = lines.flatMap(({ points }) => points);
    const axes = {
      x: fittingScale(values.map(([px]) => px)),
      y: fittingScale(values.map(([, py]) => py)),
      marks: true,
    };
    const summary = members.map(({ name, of }) => `${name}: ${ends(of)}`).join('. ');
    return linePlot(subject(title), `${title}. ${summary}`, lines, axes);
  });
}

function ends({ x, y }: Series): string {
  if (x.length === 0) return 'no points';
  const last = x.length - 1;
  const [from, to] = [formatNumber(y[0]!), formatNumber(y[last]!)];
  return `${formatCount(x.length, 'point')}, from ${from} at ${formatNumber(x[0]!)} to ${to} at ${formatNumber(x[last]!)}`;
}
