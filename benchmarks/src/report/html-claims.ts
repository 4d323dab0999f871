/** The guide's three claims, each with what the rows that are about it found. */

import { variantsOf } from './findings.ts';
import { formatValue } from './format.ts';
import type { Page } from './html-page.ts';
import { rowLink } from './html-page.ts';
import type { Markup } from './markup.ts';
import { html, subject } from './markup.ts';
import { seriesPlots } from './plots.ts';
import type { Row } from './record.ts';

const CLAIMS: readonly (readonly [number, string])[] = [
  [1, 'Zero copy is the least copying: no byte of a payload is copied, however long it is.'],
  [2, 'Batching pays up to a knee: throughput and latency over the size of a batch.'],
  [3, 'Backpressure bounds memory, whatever the speeds of producer and consumer.'],
];

/** What is looked at in every row alike, and so says nothing of the claim. */
const OF_EVERY_ROW: readonly string[] = ['B/op', 'collections/1e6 op', 'B peak RSS'];

function item(page: Page, row: Row): Markup {
  const found = variantsOf(row).flatMap(({ variant, others }) =>
    others
      .filter(({ metric, unit }) => metric !== 'time' && !OF_EVERY_ROW.includes(unit))
      .map(({ value, unit }) => `${variant} ${formatValue(value, unit)}`),
  );
  const curves = seriesPlots(row.series ?? []);
  return html`<li>
    <div class="loss-head">${rowLink(page, row)}</div>
    ${found.length > 0 && html`<p>${subject(found.join(', '))}</p>`}
    ${curves.length > 0 && html`<div class="plots">${curves}</div>`}
  </li>`;
}

/** Nothing when no row of the report is about a claim. */
export function claims(page: Page): Markup | false {
  const { rows } = page.report;
  if (rows.every(({ claim }) => claim === undefined)) return false;
  return html`<section aria-labelledby="claims">
    <h2 id="claims">The guide’s claims</h2>
    ${CLAIMS.map(([number, words]) => {
      const about = rows.filter(({ claim }) => claim === number);
      return html`${
        about.length > 0 &&
        html`<h3>${number}. ${words}</h3>
          <ul class="losses claims">
            ${about.map((row) => item(page, row))}
          </ul>`
      }`;
    })}
  </section>`;
}
