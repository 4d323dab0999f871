/** The losses: a section of the front page, or a page of their own beside it. */

import { comparisonWords, headlineOf, lossesOf, metricWords } from './findings.ts';
import type { Loss } from './findings.ts';
import { formatEnds, formatTimes } from './format.ts';
import type { Page } from './html-page.ts';
import { rowLink, verdictChip } from './html-page.ts';
import type { Part } from './html-parts.ts';
import type { Markup } from './markup.ts';
import { html, subject } from './markup.ts';
import type { Ratio, Report } from './record.ts';

function metricTag(ratio: Ratio | undefined): Markup | false {
  return ratio !== undefined && html`<span class="metric">${subject(metricWords(ratio))}</span>`;
}

function lossItem(page: Page, { row, ratio }: Loss): Markup {
  if (ratio === undefined) {
    return html`<li>
      <div class="loss-head">${rowLink(page, row)} ${metricTag(headlineOf(row))} ${verdictChip('short')}</div>
      <p>${subject(row.reason)}</p>
    </li>`;
  }
  return html`<li>
    <div class="loss-head">
      ${rowLink(page, row)} ${metricTag(ratio)} <span class="chip v-loss">${formatTimes(ratio.ratio)}</span>
    </div>
    <p>
      ${subject(ratio.of)} is ${comparisonWords(ratio)} ${subject(ratio.over)}: ${formatTimes(ratio.ratio)},
      interval ${formatEnds(ratio.low, ratio.high)}.
    </p>
  </li>`;
}

export function lossLead(): Markup {
  return html`<p class="lead">
    A figure of the guide that was not reached, or a rival that beats ours with its whole interval. The worst
    comes first.
  </p>`;
}

export function lossList(page: Page, losses: readonly Loss[]): Markup {
  if (losses.length === 0) {
    return html`<p class="none">
      ${page.report.rows.length === 0 ? 'Nothing was measured.' : 'None in this run.'}
    </p>`;
  }
  return html`<ul class="losses">
    ${losses.map((loss) => lossItem(page, loss))}
  </ul>`;
}

export function lossesPart(report: Report, folder: string): Part {
  return {
    file: `${folder}/losses.html`,
    title: 'Losses',
    subject: 'Every loss',
    rows: [],
    content: (page) => [lossLead(), lossList(page, lossesOf(report))],
  };
}
