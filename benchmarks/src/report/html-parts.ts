/** Rows in detail: sections of the one page, or pages of their own, a package each, when one page cannot hold them. */

import { formatDate } from './format.ts';
import type { Page } from './html-page.ts';
import { renderDocument } from './html-page.ts';
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

/** A page beside the front page. */
export interface Part {
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

/** As few pages as hold the rows, in their order: `report-memory.html`, and `report-memory-2.html` for what is left. */
export function splitRows(page: Page, name: string, mostBytes: number): Part[] {
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
        file: isFirst ? `${name}-${packageName}.html` : `${name}-${packageName}-${index + 1}.html`,
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
  return renderDocument(
    `${part.title}: Hotpath benchmark report, ${date}`,
    html`<header>
      <p class="brand">Hotpath</p>
      <h1>${part.title}</h1>
      <p class="subtitle">
        ${part.subject} of the <a href="${encodeURI(front)}">benchmark report</a> of ${date}.
        <a href="${encodeURI(front)}#reading">How to read this</a>
      </p>
    </header>`,
    html`<li><a href="${encodeURI(front)}">Report</a></li>
      ${parts.map((other) => html`<li><a href="${encodeURI(other.file)}" ${other === part && html` aria-current="page"`}>${other.title}</a></li>`)}`,
    part.content(page),
  );
}
