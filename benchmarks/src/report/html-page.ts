/** What the sections of the page share. */

import { VERDICT_MARKS, VERDICT_WORDS } from './findings.ts';
import type { Markup } from './markup.ts';
import { html, subject } from './markup.ts';
import type { Report, Row, Verdict } from './record.ts';

/** How much each row shows: a long report gives up its latency plots first, then its tables, then its rows but for the guide table. */
export type Detail = 'full' | 'tables' | 'ratios' | 'none';

export interface Page {
  readonly report: Report;
  /** Runs the commands that the page shows. */
  readonly packageManager: string;
  readonly detail: Detail;
  /** Anchors, one a row, unique in the page. */
  readonly anchors: ReadonlyMap<Row, string>;
  /** Links to the flame graphs of rows, by variant. */
  readonly flames: Flames;
}

/** Files beside the page: their relative URLs by row, then by variant. */
export type Flames = ReadonlyMap<Row, ReadonlyMap<string, string>>;

const ANCHOR_LENGTH = 40;

/** `row-m2-1000-64-kib`: an anchor for each row, safe in a link, unique in the page. */
export function anchorsOf(rows: readonly Row[]): Map<Row, string> {
  const anchors = new Map<Row, string>();
  const taken = new Set<string>();
  for (const [index, row] of rows.entries()) {
    const slug = `${row.id}-${row.case}`
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, '-')
      .slice(0, ANCHOR_LENGTH);
    const name = `row-${slug.replaceAll(/^-+|-+$/g, '')}`;
    const anchor = taken.has(name) || name === 'row-' ? `${name}--${index}` : name;
    taken.add(anchor);
    anchors.set(row, anchor);
  }
  return anchors;
}

export function rowLink(page: Page, row: Row): Markup {
  return html`<a class="row-link" href="#${page.anchors.get(row)}"
    ><b>${subject(row.id)}</b> ${subject(row.case)}</a
  >`;
}

export function verdictChip(verdict: Verdict): Markup {
  return html`<span class="chip v-${verdict}"
    ><span aria-hidden="true">${VERDICT_MARKS[verdict]}</span> ${VERDICT_WORDS[verdict]}</span
  >`;
}
