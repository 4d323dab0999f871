/** Rows in detail: sections of the one page, or pages of their own, a package each, when one page cannot hold them. */

import { basename, extname } from 'node:path';
import { formatDate } from './format.ts';
import type { Page } from './html-page.ts';
import { linkTo, renderDocument } from './html-page.ts';
import { rowSection } from './html-row.ts';
import type { Content, Markup } from './markup.ts';
import { html } from './markup.ts';
import type { Row } from './record.ts';

const PACKAGE_TITLES: Readonly<Record<Row['package'], string>> = {
  memory: 'Memory',
  cpu: 'CPU',
  io: 'I/O',
  database: 'Database',
  cache: 'Cache',
  profile: 'Profile',
  benchmarks: 'Benchmarks',
};
const PACKAGES = Object.keys(PACKAGE_TITLES) as Row['package'][];

/** The folder of the pages that belong to a front page: `report-rows`, so that they meet no other report's. */
export function partsFolder(front: string): string {
  return `${basename(front, extname(front))}-rows`;
}

/** Whether a page of that folder is, or was, ours. */
export function isPartName(name: string): boolean {
  const [, stem] = /^([a-z]+)(?:-\d+)?\.html$/.exec(name) ?? [];
  return stem === 'losses' || PACKAGES.some((packageName) => packageName === stem);
}

/** A page that belongs to a front page. */
export interface Part {
  /** As from the front page. */
  readonly file: string;
  /** `Memory`, `Memory, 2`. */
  readonly title: string;
  /** What of the report it has. */
  readonly subject: string;
  /** Rows that it shows in detail. */
  readonly rows: readonly Row[];
  readonly content: (page: Page) => Content;
}

/** A section a package. */
export function rowSections(page: Page, rows: readonly Row[]): Markup[] {
  return PACKAGES.map((name) => {
    const members = rows.filter((row) => row.package === name);
    return html`${
      members.length > 0 &&
      html`<section aria-labelledby="package-${name}">
        <h2 id="package-${name}">${PACKAGE_TITLES[name]}</h2>
        ${members.map((row) => rowSection(page, row))}
      </section>`
    }`;
  });
}

/** What a page takes beside its rows. */
const FRAME_BYTES = 25_000;

/** As few pages as hold the rows, in their order: `memory.html`, and `memory-2.html` for what is left. */
export function splitRows(page: Page, folder: string, mostBytes: number): Part[] {
  return PACKAGES.flatMap((packageName) => {
    const pages: Row[][] = [];
    let bytes = Infinity;
    for (const row of page.report.rows) {
      if (row.package !== packageName) continue;
      const more = Buffer.byteLength(rowSection(page, row).text);
      if (bytes + more > mostBytes) {
        pages.push([]);
        bytes = FRAME_BYTES;
      }
      pages.at(-1)!.push(row);
      bytes += more;
    }
    return pages.map((rows, index): Part => {
      const title = PACKAGE_TITLES[packageName];
      const isFirst = index === 0;
      return {
        file: `${folder}/${isFirst ? packageName : `${packageName}-${index + 1}`}.html`,
        title: isFirst ? title : `${title}, ${index + 1}`,
        subject: 'Rows in detail',
        rows,
        content: (shown) => rowSections(shown, rows),
      };
    });
  });
}

/** One of `parts`, with links to the others and to the front page. */
export function renderPart(page: Page, part: Part, parts: readonly Part[], front: string): string {
  const date = formatDate(page.report.environment.date);
  const back = linkTo(page, front);
  return renderDocument(
    `${part.title}: Hotpath benchmark report, ${date}`,
    html`<header>
      <p class="brand">Hotpath</p>
      <h1>${part.title}</h1>
      <p class="subtitle">
        ${part.subject} of the <a href="${back}">benchmark report</a> of ${date}.
        <a href="${back}#reading">How to read this</a>
      </p>
    </header>`,
    html`<li><a href="${back}">Report</a></li>
      ${parts.map((other) => html`<li><a href="${linkTo(page, other.file)}" ${other === part && html` aria-current="page"`}>${other.title}</a></li>`)}`,
    part.content(page),
  );
}
