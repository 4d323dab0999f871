/** The guide's table, row by row: its figure beside ours, on one axis. */

import { goalOf, guideWords, headlineOf } from './findings.ts';
import { formatEnds, formatTimes, NO_FIGURE } from './format.ts';
import type { Page } from './html-page.ts';
import { rowLink, verdictChip } from './html-page.ts';
import type { Markup } from './markup.ts';
import { html, subject } from './markup.ts';
import type { RatioAxis } from './plots.ts';
import { ratioAxis, ratioBar } from './plots.ts';
import type { Row } from './record.ts';
import { ratioScale } from './scales.ts';

// The roles are said aloud because a phone's layout makes blocks of the rows, which takes the table away from a reader
// of the screen otherwise.
export function guideTable(page: Page): Markup {
  const { rows, environment } = page.report;
  if (rows.length === 0) {
    return html`<section aria-labelledby="guide">
      <h2 id="guide">Guide table</h2>
      <p class="none">The report has no rows.</p>
    </section>`;
  }
  const ratios = rows.flatMap((row) => {
    const headline = headlineOf(row);
    const goal = goalOf(row, environment.cores);
    return [
      ...(headline === undefined ? [] : [headline.low, headline.high]),
      ...(goal === undefined ? [] : [goal]),
    ];
  });
  const axis = { scale: ratioScale(ratios), id: 'guide-grid' };
  return html`<section aria-labelledby="guide">
    <h2 id="guide">Guide table</h2>
    <p class="lead">
      Ours over the naive baseline, with its 95 % interval, on a logarithmic axis.
      <span class="key">${goalKey()} marks the guide’s figure.</span>
    </p>
    <table class="guide" aria-labelledby="guide">
      <thead>
        <tr>
          <th>Row</th>
          <th class="num">Guide</th>
          <th class="num">Ours</th>
          <th class="plot-head"><span class="hidden">Plot</span>${ratioAxis(axis)}</th>
          <th>Verdict</th>
          <th class="why-head"><span class="hidden">Why</span></th>
        </tr>
      </thead>
      <tbody>
        ${rows.map((row) => tableRow(page, row, axis))}
      </tbody>
    </table>
  </section>`;
}

function goalKey(): Markup {
  return html`<svg width="12" height="14" viewBox="-6 -7 12 14" aria-hidden="true">
    <path class="goal" d="M0-7 5 0 0 7-5 0Z" />
  </svg>`;
}

function tableRow(page: Page, row: Row, axis: RatioAxis): Markup {
  const headline = headlineOf(row);
  const { cores } = page.report.environment;
  const goal = goalOf(row, cores);
  return html`<tr>
    <th scope="row">${rowLink(page, row)}</th>
    <td class="num" data-l="Guide">${goal === undefined ? NO_FIGURE : formatTimes(goal)}</td>
    <td class="num" data-l="Ours">
      <b>${headline === undefined ? NO_FIGURE : formatTimes(headline.ratio)}</b
      >${headline !== undefined && html` <small>${formatEnds(headline.low, headline.high)}</small>`}
    </td>
    <td class="plot-cell">${ratioBar(axis, headline, goal)}</td>
    <td class="verdict-cell">${verdictChip(row.verdict)}</td>
    <td class="why">
      <p>
        ${row.guide !== null && html`<span class="guide-text">Guide: ${subject(guideWords(row, cores))}.</span> `}${subject(row.reason)}
      </p>
    </td>
  </tr>`;
}
