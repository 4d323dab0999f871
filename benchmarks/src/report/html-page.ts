/** What the sections of the page share. */

import { VERDICT_MARKS, VERDICT_WORDS } from './findings.ts';
import { STYLE } from './html-style.ts';
import type { Content, Markup } from './markup.ts';
import { html, Markup as TrustedMarkup, subject } from './markup.ts';
import type { Report, Row, Verdict } from './record.ts';
import { SCHEMA_VERSION } from './record.ts';

export interface Page {
  readonly report: Report;
  /** Runs the commands that the page shows. */
  readonly packageManager: string;
  /** Anchors, one a row, unique in the report. */
  readonly anchors: ReadonlyMap<Row, string>;
  /** From this page's folder to that of the front page: nothing, or `../`. */
  readonly root: '' | '../';
  /** Files of the rows that are shown in detail on another page. */
  readonly pageOf: ReadonlyMap<Row, string>;
  /** Links to the flame graphs of rows, by variant. */
  readonly flames: Flames;
}

/** Files beside the front page: their URLs from there, by row, then by variant. */
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

/** A link to a file of the report, which is named as from the front page: `report-rows/memory.html`. */
export function linkTo(page: Page, file: string): string {
  return page.root + file.split('/').map(encodeURIComponent).join('/');
}

export function rowLink(page: Page, row: Row): Markup {
  const file = page.pageOf.get(row);
  const to = file === undefined ? '' : linkTo(page, file);
  return html`<a class="row-link" href="${to}#${page.anchors.get(row)}"
    ><b>${subject(row.id)}</b> ${subject(row.case)}</a
  >`;
}

export function verdictChip(verdict: Verdict): Markup {
  return html`<span class="chip v-${verdict}"
    ><span aria-hidden="true">${VERDICT_MARKS[verdict]}</span> ${VERDICT_WORDS[verdict]}</span
  >`;
}

/** A whole file around what a page shows; `links` are the items of its navigation. */
export function renderDocument(title: string, header: Markup, links: Markup, content: Content): string {
  const body = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta
          http-equiv="Content-Security-Policy"
          content="default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
        />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="generator" content="hotpath, record schema ${SCHEMA_VERSION}" />
        <link rel="icon" href="data:," />
        <title>${title}</title>
        ${new TrustedMarkup(`<style>${STYLE}</style>`)}
      </head>
      <body>
        <a class="skip" href="#content">Skip to the content</a>
        <div class="page">
          ${header}
          <nav aria-label="Sections">
            <ul>
              ${links}
            </ul>
          </nav>
          <main id="content" tabindex="-1">${content}</main>
        </div>
      </body>
    </html>`;
  return `${body.text}\n`;
}
