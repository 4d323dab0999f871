/**
 * The report as self-contained pages: no script, no request, nothing to install. The policy in their heads forbids both,
 * so that even a hole in the escaping could do nothing.
 */

import { readFileSync } from 'node:fs';
import {
  adviceFor,
  lossesOf,
  missingOf,
  rowsByReason,
  tallyOf,
  VERDICT_MARKS,
  VERDICT_WORDS,
} from './findings.ts';
import { formatBytes, formatCount, formatDate } from './format.ts';
import { claims } from './html-claims.ts';
import { guideTable } from './html-guide-table.ts';
import type { Flames, Page } from './html-page.ts';
import { anchorsOf, linkTo, renderDocument, rowLink, verdictChip } from './html-page.ts';
import { lossLead, lossList, lossesPart } from './html-losses.ts';
import { partsFolder, renderPart, rowSections, splitRows } from './html-parts.ts';
import type { Markup } from './markup.ts';
import { html, subject } from './markup.ts';
import type { Report, Row } from './record.ts';

export interface HtmlOptions {
  /** The front page's file. The folder of the other pages is named for it. Default `report.html`. */
  readonly file?: string;
  /** Runs the commands that the page shows: `pnpm@12.21.0`. Default: the pin in the repository's package.json. */
  readonly packageManager?: string;
  /** Flame graphs that lie beside the page. */
  readonly flames?: Flames;
}

/** From src/report and from dist/report alike. */
const ROOT_PACKAGE = new URL('../../../package.json', import.meta.url);

function pinnedPackageManager(): string {
  const { packageManager } = JSON.parse(readFileSync(ROOT_PACKAGE, 'utf8')) as {
    readonly packageManager: string;
  };
  // Corepack allows a hash behind the version.
  return packageManager.split('+')[0]!;
}

function header({ report }: Page): Markup {
  const { environment, rows } = report;
  const tally = tallyOf(report);
  return html`<header>
    <p class="brand">Hotpath</p>
    <h1>Benchmark report</h1>
    <p class="subtitle">
      ${subject(formatDate(environment.date))} <span class="dot-sep">·</span> ${subject(environment.cpu)},
      ${formatCount(environment.cores, 'core')} <span class="dot-sep">·</span> Node
      ${subject(environment.node)} <span class="dot-sep">·</span> commit ${subject(environment.commit)}
    </p>
    ${rows.length > 0 && html`<svg class="tally" height="10" aria-hidden="true">${tallyBar(tally, rows.length)}</svg>`}
    <ul class="tally-legend">
      ${tally.map(([verdict, count]) => html`<li class="v-${verdict}"><span class="mark" aria-hidden="true">${VERDICT_MARKS[verdict]}</span> <b>${count}</b> ${VERDICT_WORDS[verdict]}</li>`)}
    </ul>
  </header>`;
}

function tallyBar(tally: ReturnType<typeof tallyOf>, total: number): Markup[] {
  let before = 0;
  return tally.map(([verdict, count]) => {
    const x = (before / total) * 100;
    before += count;
    const width = (count / total) * 100;
    return html`<rect class="t-${verdict}" x="${x.toFixed(3)}%" width="${width.toFixed(3)}%" height="10" />`;
  });
}

/** What a reader must not miss: rows without a figure. */
function alarm({ report }: Page): Markup | false {
  const { failed, leftOut } = missingOf(report);
  if (failed.length === 0 && leftOut.length === 0) return false;
  const told = [
    failed.length > 0 && html`<b>${formatCount(failed.length, 'row')} failed</b>`,
    failed.length > 0 && leftOut.length > 0 && ' and ',
    leftOut.length > 0 &&
      html`<b>${formatCount(leftOut.length, 'row')} ${leftOut.length === 1 ? 'was' : 'were'} left out</b>`,
  ];
  return html`<p class="alarm">
    This report is incomplete: ${told}. <a href="#missing">What is missing, and how to get it</a>
  </p>`;
}

/** Cards that the front page shows where the losses have a page of their own. */
const WORST_SHOWN = 5;

function losses(page: Page, file: string | undefined): Markup {
  const all = lossesOf(page.report);
  const isElsewhere = file !== undefined && all.length > WORST_SHOWN;
  return html`<section aria-labelledby="losses">
    <h2 id="losses">Losses</h2>
    ${lossLead()} ${lossList(page, isElsewhere ? all.slice(0, WORST_SHOWN) : all)}
    ${isElsewhere && html`<p class="lead"><a href="${linkTo(page, file)}">All ${formatCount(all.length, 'loss', 'losses')}, on a page of their own</a></p>`}
  </section>`;
}

function missing(page: Page): Markup | false {
  const { failed, leftOut } = missingOf(page.report);
  if (failed.length === 0 && leftOut.length === 0) return false;
  const group = (rows: readonly Row[]): Markup[] =>
    [...rowsByReason(rows)].map(
      ([reason, members]) =>
        html`<li>
          <div class="loss-head">${members.map((row) => [rowLink(page, row), ' '])}</div>
          <p>${subject(reason)}</p>
        </li>`,
    );
  const advice = adviceFor(leftOut);
  return html`<section aria-labelledby="missing" class="missing">
    <h2 id="missing">Missing from this report</h2>
    ${
      failed.length > 0 &&
      html`<h3>${VERDICT_MARKS.failed} Failed</h3>
        <ul class="losses">
          ${group(failed)}
        </ul>`
    }
    ${
      leftOut.length > 0 &&
      html`<h3>${VERDICT_MARKS['left-out']} Left out</h3>
        <ul class="losses">
          ${group(leftOut)}
        </ul>`
    }
    ${
      advice.length > 0 &&
      html`<p><b>To measure them:</b></p>
        <ul>
          ${advice.map((line) => html`<li>${line}</li>`)}
        </ul>`
    }
  </section>`;
}

function environment({ report }: Page): Markup {
  const { environment: from } = report;
  const facts: (readonly [string, string])[] = [
    ['Processor', `${from.cpu}, ${formatCount(from.cores, 'core')}`],
    ['Caches', from.caches === '' ? 'unknown' : from.caches],
    ['Governor', from.governor],
    ['Memory', formatBytes(from.memoryBytes)],
    ['System', from.os],
    ['Runtime', `Node ${from.node}, V8 ${from.v8}`],
    ['Commit', from.commit],
    ['Date', formatDate(from.date)],
    ['Load at the start', String(from.load)],
    ...Object.entries(from.services),
    ...Object.entries(from.settings).map(([name, value]) => [name, String(value)] as const),
  ];
  return html`<section aria-labelledby="environment">
    <h2 id="environment">Environment</h2>
    <dl class="facts">
      ${facts.map(
        ([name, text]) =>
          html`<div>
            <dt>${subject(name)}</dt>
            <dd>${subject(text)}</dd>
          </div>`,
      )}
    </dl>
  </section>`;
}

function reading(): Markup {
  return html`<section aria-labelledby="reading">
    <h2 id="reading">How to read this</h2>
    <p>
      A <b>ratio</b> says how many times better ours is: above 1× ours wins, below it loses. Each variant ran
      in processes of its own, in alternation with the others, and the ratio was taken between neighbours in
      time; its <b>interval</b> holds the true ratio in 95 of 100 such runs.
    </p>
    <dl class="verdicts">
      <div>
        <dt>${verdictChip('reproduced')}</dt>
        <dd>the low end of the interval reaches the guide’s figure</dd>
      </div>
      <div>
        <dt>${verdictChip('short')}</dt>
        <dd>the whole interval stays below it; the reason names the limit</dd>
      </div>
      <div>
        <dt>${verdictChip('inconclusive')}</dt>
        <dd>the figure lies inside the interval</dd>
      </div>
      <div>
        <dt>${verdictChip('measured')}</dt>
        <dd>the guide gives no figure to reach</dd>
      </div>
      <div>
        <dt>${verdictChip('not-applicable')}</dt>
        <dd>this machine cannot show it</dd>
      </div>
      <div>
        <dt>${verdictChip('left-out')}</dt>
        <dd>something it needs was not there</dd>
      </div>
      <div>
        <dt>${verdictChip('failed')}</dt>
        <dd>a variant threw, or its answer was wrong</dd>
      </div>
    </dl>
    <p>
      A <b>floor</b> is what cannot be beaten, such as an empty call or a plain copy of memory: ours below it
      is no loss. Latencies, bytes and collections come from runs of their own, so that measuring them slows
      no time. The guide’s figures were taken on another machine in another language: the ratio can be
      compared, the times cannot.
    </p>
  </section>`;
}

/** Above this a page is slow on a phone and awkward to mail. */
const MOST_BYTES = 400_000;

/** A report as files: their texts by the paths, from the front page, under which they link each other. */
export interface RenderedReport {
  readonly front: string;
  /** The losses, and the rows in detail, where one page cannot hold them all. */
  readonly parts: ReadonlyMap<string, string>;
}

/**
 * Renders a report as HTML that opens offline, without a script, each file under 400 KB. One file where it all fits; else
 * the front page has the worst losses, the guide table, the claims and the environment (1 KB a row). All losses are on a
 * page of their own in a folder beside it, and the rows in detail on a page a package; it links to them.
 *
 * Every text of the report is escaped; what could reorder or hide text is shown as `\u202e` and the like.
 */
export function renderReport(report: Report, options: HtmlOptions = {}): RenderedReport {
  const { packageManager = pinnedPackageManager(), flames = new Map(), file = 'report.html' } = options;
  const anchors = anchorsOf(report.rows);
  const whole: Page = { report, packageManager, anchors, flames, root: '', pageOf: new Map() };
  const one = renderFront(whole);
  if (Buffer.byteLength(one) <= MOST_BYTES) return { front: one, parts: new Map() };
  const folder = partsFolder(file);
  const losses = lossesPart(report, folder);
  const parts = [losses, ...splitRows({ ...whole, root: '../' }, folder, MOST_BYTES)];
  const pageOf = new Map(parts.flatMap((part) => part.rows.map((row) => [row, part.file] as const)));
  const beside: Page = { ...whole, root: '../', pageOf };
  return {
    front: renderFront({ ...whole, pageOf }, losses.file),
    parts: new Map(parts.map((part) => [part.file, renderPart(beside, part, parts, file)])),
  };
}

/** With the rows in detail, or with the file that has all losses where they are on other pages. */
function renderFront(page: Page, lossesFile?: string): string {
  const isIncomplete = alarm(page) !== false;
  const title = `Hotpath benchmark report, ${formatDate(page.report.environment.date)}`;
  return renderDocument(
    title,
    header(page),
    html`<li><a href="#losses">Losses</a></li>
      <li><a href="#guide">Guide table</a></li>
      ${claims(page) !== false && html`<li><a href="#claims">Claims</a></li>`}
      <li><a href="#environment">Environment</a></li>
      <li><a href="#reading">How to read this</a></li>
      ${isIncomplete && html`<li><a class="nav-alarm" href="#missing">Missing</a></li>`}`,
    html`${alarm(page)}${losses(page, lossesFile)}${guideTable(page)}${claims(page)}${lossesFile === undefined && rowSections(page, page.report.rows)}${missing(page)}${environment(page)}${reading()}`,
  );
}
