/** The report for a terminal: the guide table, then the losses, then what is missing, so that it is read last. */

import {
  adviceFor,
  comparisonWords,
  goalOf,
  guideWords,
  headlineOf,
  isFloor,
  isOurs,
  lossesOf,
  metricWords,
  missingOf,
  ratioOver,
  rowsByReason,
  sideOf,
  tallyOf,
  variantsOf,
  VERDICT_MARKS,
  VERDICT_WORDS,
} from './findings.ts';
import type { VariantResults } from './findings.ts';
import { formatBytes, formatCount, formatDate, formatEnds, formatTimes, formatValue } from './format.ts';
import { Painter, paragraph } from './paint.ts';
import type { Style } from './paint.ts';
import { padEnd, padStart, truncate, visible, widthOf } from './plain-text.ts';
import type { Report, Row, Verdict } from './record.ts';

export interface TerminalOptions {
  /** ANSI colours; without them every verdict is still told by a mark and a word. */
  readonly color: boolean;
  /** Columns at hand; read as 72 to 120. */
  readonly width: number;
}

const NARROWEST = 72;
const WIDEST = 120;
const INDENT = '    ';

const STYLES: Readonly<Record<Verdict, Style>> = {
  reproduced: 'green',
  short: 'yellow',
  inconclusive: 'cyan',
  measured: 'blue',
  'not-applicable': 'dim',
  'left-out': 'red',
  failed: 'red',
};

/** Columns of the table's first line a row: id, case, guide, ours, interval, verdict. */
interface Columns {
  readonly id: number;
  readonly case: number;
  readonly guide: number;
  readonly ours: number;
  readonly interval: number;
}

const VERDICT_WIDTH = 16;
const GAPS = 5;

function columnsFor(report: Report, width: number): Columns {
  const id = Math.min(8, Math.max(2, ...report.rows.map((row) => row.id.length)));
  const columns = { id, guide: 8, ours: 8, interval: 15 };
  const taken = id + columns.guide + columns.ours + columns.interval + VERDICT_WIDTH + GAPS;
  return { ...columns, case: width - taken };
}

class TerminalReport {
  readonly #report: Report;
  readonly #paint: Painter;
  readonly #width: number;
  readonly #columns: Columns;
  readonly #lines: string[] = [];

  constructor(report: Report, { color, width }: TerminalOptions) {
    this.#report = report;
    this.#paint = new Painter(color);
    this.#width = Math.min(WIDEST, Math.max(NARROWEST, Math.floor(width)));
    this.#columns = columnsFor(report, this.#width);
  }

  render(): string {
    this.#environment();
    if (this.#report.rows.length === 0)
      this.#text('Nothing was measured: the report has no rows.', '', 'yellow');
    else this.#table();
    this.#losses();
    this.#missing();
    this.#tally();
    return `${this.#lines.join('\n')}\n`;
  }

  /** Wrapped text; the lines after the first are indented like it. */
  #text(text: string, indent = '', style?: Style, hanging = indent): void {
    this.#lines.push(...paragraph(this.#paint, text, { width: this.#width, indent, hanging, style }));
  }

  #heading(text: string, style: Style = 'bold'): void {
    this.#lines.push('', this.#paint.as(style, text));
  }

  #environment(): void {
    const { environment } = this.#report;
    this.#lines.push(this.#paint.as('bold', 'Hotpath benchmark report'));
    this.#text(`${formatDate(environment.date)} · commit ${environment.commit}`);
    const caches = environment.caches === '' ? '' : ` · ${environment.caches}`;
    this.#text(
      `${environment.cpu} · ${formatCount(environment.cores, 'core')} · ${formatBytes(environment.memoryBytes)}${caches}`,
    );
    this.#text(
      `Node ${environment.node} · V8 ${environment.v8} · ${environment.os} · governor ${environment.governor} · load ${environment.load}`,
    );
    for (const [name, text] of Object.entries(environment.services)) this.#text(`${name}: ${text}`);
    const settings = Object.entries(environment.settings).map(([name, value]) => `${name} ${value}`);
    if (settings.length > 0) this.#text(settings.join(' · '));
  }

  #table(): void {
    const { id, case: caseWidth, guide, ours, interval } = this.#columns;
    this.#lines.push('');
    const titles = [
      padEnd('id', id),
      padEnd('case', caseWidth),
      padStart('guide', guide),
      padStart('ours', ours),
      padStart('95 % interval', interval),
      'verdict',
    ];
    this.#lines.push(
      this.#paint.as('bold', titles.join(' ')),
      this.#paint.as('dim', '─'.repeat(this.#width)),
    );
    for (const row of this.#report.rows) this.#row(row);
  }

  #row(row: Row): void {
    const columns = this.#columns;
    const headline = headlineOf(row);
    const goal = goalOf(row, this.#report.environment.cores);
    const style = STYLES[row.verdict];
    const cells = [
      this.#paint.as('bold', padEnd(truncate(visible(row.id), columns.id), columns.id)),
      padEnd(truncate(visible(row.case), columns.case), columns.case),
      padStart(goal === undefined ? '–' : formatTimes(goal), columns.guide),
      this.#paint.as(
        'bold',
        padStart(headline === undefined ? '–' : formatTimes(headline.ratio), columns.ours),
      ),
      padStart(headline === undefined ? '' : formatEnds(headline.low, headline.high), columns.interval),
      this.#paint.as(style, `${VERDICT_MARKS[row.verdict]} ${VERDICT_WORDS[row.verdict]}`),
    ];
    this.#lines.push(cells.join(' '));
    if (row.guide !== null) {
      this.#text(`guide: ${guideWords(row, this.#report.environment.cores)}`, INDENT, 'dim');
    }
    this.#text(row.reason, INDENT, row.verdict === 'measured' ? 'dim' : style);
    for (const variant of variantsOf(row)) this.#variant(row, variant);
    for (const note of row.notes ?? []) this.#text(`note: ${note}`, INDENT, 'dim', `${INDENT}  `);
    this.#lines.push('');
  }

  /** `peer   generic-pool      130 µs   1.30× [1.25 – 1.36] faster`: how ours stands to this variant. */
  #variant(row: Row, { variant, kind, speed, others }: VariantResults): void {
    const name = Math.min(28, Math.max(12, this.#width - 62));
    const figure = speed ?? others[0];
    const value = figure === undefined ? '–' : formatValue(figure.value, figure.unit);
    let line = `${INDENT}${padEnd(kind, 6)}${padEnd(truncate(visible(variant), name), name)} ${padStart(truncate(visible(value), 12), 12)}`;
    const ratio = isOurs(variant) ? undefined : ratioOver(row, variant);
    if (ratio !== undefined) {
      const style = isFloor(variant)
        ? 'dim'
        : ({ better: 'green', worse: 'yellow', same: 'dim' } as const)[sideOf(ratio)];
      const words = {
        better: 'ours wins',
        worse: isFloor(variant) ? 'the bound' : 'ours LOSES',
        same: 'level',
      };
      const told = `${padStart(formatTimes(ratio.ratio), 8)} ${padStart(formatEnds(ratio.low, ratio.high), 15)} ${words[sideOf(ratio)]}`;
      line += this.#paint.as(style, told);
    } else if (isOurs(variant)) {
      const told = others
        .filter(({ metric, unit }) => metric === 'count' || unit === 'B/op')
        .map(({ value, unit }) => formatValue(value, unit));
      const room = this.#width - widthOf(line);
      if (told.length > 0) line += this.#paint.as('dim', truncate(visible(`  ${told.join(' · ')}`), room));
    }
    this.#lines.push(line.trimEnd());
  }

  #losses(): void {
    const losses = lossesOf(this.#report);
    if (this.#report.rows.length === 0) return;
    if (losses.length === 0) {
      this.#lines.push(
        this.#paint.as('bold', 'No losses: no figure of the guide was missed, no rival was faster.'),
      );
      return;
    }
    this.#lines.push(this.#paint.as('bold', `Losses (${losses.length}), the worst first`));
    for (const { row, ratio } of losses) {
      const where = `${row.id} ${row.case}`;
      const what =
        ratio === undefined
          ? row.reason
          : `${metricWords(ratio)}: ${ratio.of} is ${comparisonWords(ratio)} ${ratio.over}: ${formatTimes(ratio.ratio)} [${formatEnds(ratio.low, ratio.high)}]`;
      this.#text(`▼ ${where}: ${what}`, '  ', 'yellow', '    ');
    }
  }

  #missing(): void {
    const { failed, leftOut } = missingOf(this.#report);
    if (failed.length > 0) {
      this.#heading(`FAILED (${failed.length}): these rows gave no valid answer`, 'alarm');
      for (const { id, case: name, reason } of failed)
        this.#text(`✗ ${id} ${name}: ${reason}`, '  ', 'red', '    ');
    }
    if (leftOut.length > 0) {
      this.#heading(`LEFT OUT (${leftOut.length}): these rows were not measured`, 'alarm');
      for (const [reason, rows] of rowsByReason(leftOut)) {
        const names = rows.map(({ id, case: name }) => `${id} ${name}`).join(', ');
        this.#text(`∅ ${names}: ${reason}`, '  ', 'red', '    ');
      }
      const advice = adviceFor(leftOut);
      if (advice.length > 0) this.#text('To measure them:', '  ', 'bold');
      for (const line of advice) this.#text(line, '    ', undefined, '      ');
    }
  }

  #tally(): void {
    const tally = tallyOf(this.#report).map(([verdict, count]) => `${count} ${VERDICT_WORDS[verdict]}`);
    if (tally.length === 0) return;
    this.#lines.push('');
    this.#text(tally.join(', '), '', 'bold');
  }
}

/** Renders a report for a terminal. Text from the report can neither move the cursor nor colour the screen. */
export function renderTerminal(report: Report, options: TerminalOptions): string {
  return new TerminalReport(report, options).render();
}
