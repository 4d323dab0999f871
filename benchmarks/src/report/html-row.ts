/** One row in full: its figures, rivals, latencies, curves, and the command that measures it again. */

import {
  commandFor,
  comparisonWords,
  goalOf,
  guideWords,
  headlineOf,
  isFloor,
  variantsOf,
} from './findings.ts';
import type { VariantResults } from './findings.ts';
import { formatEnds, formatTimes, formatValue } from './format.ts';
import type { Page } from './html-page.ts';
import { verdictChip } from './html-page.ts';
import type { Content, Markup } from './markup.ts';
import { html, subject } from './markup.ts';
import { quantilePlot, ratioAxis, ratioBar, seriesPlots } from './plots.ts';
import type { Ratio, Result, Row } from './record.ts';
import { ratioScale } from './scales.ts';

export function rowSection(page: Page, row: Row): Markup {
  const anchor = page.anchors.get(row)!;
  const { cores } = page.report.environment;
  const params = Object.entries(row.params);
  return html`<article id="${anchor}" class="row" aria-labelledby="${anchor}-title">
    <div class="row-head">
      <h3 id="${anchor}-title"><span class="id">${subject(row.id)}</span> ${subject(row.case)}</h3>
      ${verdictChip(row.verdict)}
    </div>
    <p class="reason">
      ${row.guide !== null && html`<span class="guide-text">Guide: ${subject(guideWords(row, cores))}.</span> `}${subject(row.reason)}
    </p>
    ${row.ratios.length > 0 && ratioTable(row, goalOf(row, cores), `${anchor}-grid`)}
    ${row.results.length > 0 && resultTable(row)} ${plots(row)}
    ${
      (row.notes ?? []).length > 0 &&
      html`<ul class="notes">
        ${row.notes!.map((note) => html`<li>${subject(note)}</li>`)}
      </ul>`
    }
    ${params.length > 0 && html`<p class="params">${params.map(([name, value]) => html`<span>${subject(name)} <b>${subject(String(value))}</b></span> `)}</p>`}
    ${flameLinks(page, row)}
    <p class="command"><span>Measure again</span> <code>${commandFor(row, page.packageManager)}</code></p>
  </article>`;
}

function flameLinks({ flames, root }: Page, row: Row): Markup | false {
  const links = [...(flames.get(row) ?? [])];
  return (
    links.length > 0 &&
    html`<p class="command">
      <span>Flame graphs</span>
      ${links.map(([variant, url]) => html`<a href="${root}${url}">${subject(variant)}</a> `)}
    </p>`
  );
}

function plots(row: Row): Markup | false {
  const latency = quantilePlot(variantsOf(row).flatMap(({ speed }) => speed ?? []));
  const curves = seriesPlots(row.series ?? []);
  const all = latency === undefined ? curves : [latency, ...curves];
  return all.length > 0 && html`<div class="plots">${all}</div>`;
}

const METRIC_WORDS: Readonly<Record<Ratio['metric'], string>> = {
  time: '',
  rate: '',
  bytes: ' (bytes)',
  count: ' (count)',
};

function ratioTable(row: Row, goal: number | undefined, id: string): Markup {
  const headline = headlineOf(row);
  const bounds = row.ratios.flatMap(({ low, high }) => [low, high]);
  const axis = { scale: ratioScale(goal === undefined ? bounds : [...bounds, goal]), id };
  const many = new Set(row.ratios.map(({ of }) => of)).size > 1 || row.ratios.some(({ of }) => of !== 'ours');
  return html`<table class="ratios">
    <caption>
      How many times better ours is
    </caption>
    <thead>
      <tr>
        <th>Against</th>
        <th class="plot-head"><span class="hidden">Plot</span>${ratioAxis(axis)}</th>
        <th class="num">Ratio</th>
        <th>Says</th>
      </tr>
    </thead>
    <tbody>
      ${row.ratios.map((ratio) => {
        const name = html`${many && html`${subject(ratio.of)} over `}${subject(ratio.over)}${ratio.unit === undefined ? METRIC_WORDS[ratio.metric] : subject(` (${ratio.unit})`)}`;
        return html`<tr>
          <th scope="row">${name}</th>
          <td class="plot-cell">${ratioBar(axis, ratio, ratio === headline ? goal : undefined)}</td>
          <td class="num">
            <b>${formatTimes(ratio.ratio)}</b>
            <small>${formatEnds(ratio.low, ratio.high)}</small>
          </td>
          <td class="says">${isFloor(ratio.over) ? 'bound' : shortWords(ratio)}</td>
        </tr>`;
      })}
    </tbody>
  </table>`;
}

function shortWords(ratio: Ratio): string {
  return comparisonWords(ratio).replace(/ (?:than|with)$/, '');
}

/** A column of the results: how its results are told from others, and its title. */
interface Column {
  readonly title: string;
  readonly cell: (results: VariantResults) => Content;
}

function resultTable(row: Row): Markup {
  const variants = variantsOf(row);
  const columns = columnsOf(variants);
  return html`<table class="results">
    <caption>
      What was measured
    </caption>
    <thead>
      <tr>
        <th>Variant</th>
        ${columns.map(({ title }) => html`<th class="num">${title}</th>`)}
      </tr>
    </thead>
    <tbody>
      ${variants.map(
        (results) =>
          html`<tr>
            <th scope="row">
              <span class="k-${results.kind}">${subject(results.variant)}</span>
              ${results.kind === 'peer' && html` <span class="kind">peer</span>`}
            </th>
            ${columns.map(({ title, cell }) => html`<td class="num" data-l="${title}">${cell(results)}</td>`)}
          </tr>`,
      )}
    </tbody>
  </table>`;
}

function columnsOf(variants: readonly VariantResults[]): Column[] {
  const columns: Column[] = [];
  if (variants.some(({ speed }) => speed !== undefined)) {
    const isRate = variants.every(({ speed }) => speed === undefined || speed.metric === 'rate');
    columns.push({
      title: isRate ? 'Rate' : 'Time',
      cell: ({ speed }) => (speed === undefined ? '' : speedCell(speed)),
    });
  }
  if (variants.some(({ speed }) => speed?.quantiles !== undefined)) {
    for (const [title, name] of [
      ['p50', 'p50'],
      ['p99', 'p99'],
      ['p99.9', 'p999'],
    ] as const) {
      columns.push({
        title,
        cell: ({ speed }) =>
          speed?.quantiles === undefined ? '' : formatValue(speed.quantiles[name], speed.unit),
      });
    }
  }
  const units = new Set(variants.flatMap(({ others }) => others.map(({ unit }) => unit)));
  for (const unit of units) {
    columns.push({
      title: titleOf(unit),
      cell: ({ others }) => {
        const result = others.find((result) => result.unit === unit);
        return result === undefined ? '' : withoutTitle(formatValue(result.value, unit), unit);
      },
    });
  }
  return columns;
}

function speedCell({ value, low, high, unit }: Result): Markup {
  const ends = `${formatValue(low, unit)} – ${formatValue(high, unit)}`;
  return html`<b>${formatValue(value, unit)}</b>${low < high && html` <small>${ends}</small>`}`;
}

const UNIT_TITLES: Readonly<Record<string, string>> = {
  'B/op': 'Bytes an operation',
  'collections/1e6 op': 'Collections a million',
  'B peak RSS': 'Peak memory',
};

function titleOf(unit: string): string {
  return UNIT_TITLES[unit] ?? unit;
}

/** The column's title says what a unit says behind its first word. */
function withoutTitle(text: string, unit: string): string {
  if (UNIT_TITLES[unit] === undefined) return text;
  return text.replace('/op', '').replace(' peak RSS', '').replace(' collections/1e6 op', '');
}
