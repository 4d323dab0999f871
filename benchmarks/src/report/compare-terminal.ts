/** A comparison for a terminal: what differs around the figures, then what changed, then the verdict. */

import type { Change, Comparison, RowComparison } from './compare.ts';
import { VERDICT_WORDS } from './findings.ts';
import { formatCount, formatDate, formatEnds, formatTimes, formatValue } from './format.ts';
import { Painter, paragraph } from './paint.ts';
import type { Style } from './paint.ts';
import { padEnd, padStart, truncate, visible } from './plain-text.ts';
import type { TerminalOptions } from './terminal.ts';

const NARROWEST = 72;
const WIDEST = 120;
const VERDICTS = ['faster', 'slower', 'same', 'inconclusive'] as const;
const STYLES: Readonly<Record<Change['verdict'], Style>> = {
  faster: 'green',
  slower: 'red',
  same: 'dim',
  inconclusive: 'cyan',
  refused: 'dim',
};
/** Ratios say more than they mean when their subject is bytes. */
const BETTER_OR_WORSE: Readonly<Record<string, string>> = { faster: 'better', slower: 'worse' };

class ComparisonText {
  readonly #comparison: Comparison;
  readonly #paint: Painter;
  readonly #width: number;
  readonly #lines: string[] = [];

  constructor(comparison: Comparison, { color, width }: TerminalOptions) {
    this.#comparison = comparison;
    this.#paint = new Painter(color);
    this.#width = Math.min(WIDEST, Math.max(NARROWEST, Math.floor(width)));
  }

  render(): string {
    const { base, now, environment, machine, rows } = this.#comparison;
    this.#text('Compared with a record', '', 'bold');
    this.#text(`base: ${formatDate(base.date)} · commit ${base.commit}`);
    this.#text(`now:  ${formatDate(now.date)} · commit ${now.commit}`);
    if (environment.length === 0) this.#text('The environments are the same.');
    else this.#text('The environments differ:', '', 'bold');
    for (const { field, base, now } of environment)
      this.#text(`${field}: ${base} → ${now}`, '  ', undefined, '    ');
    if (machine.length > 0) {
      this.#text(
        `Not the same machine or runtime (${machine.join(', ')}): absolute times get no verdict, ratios do.`,
        '',
        'yellow',
      );
    }
    this.#lines.push('');
    if (rows.length === 0) this.#text('The records have no row in common.', '', 'yellow');
    for (const row of rows) this.#row(row);
    this.#unmatched();
    this.#verdict();
    return `${this.#lines.join('\n')}\n`;
  }

  #text(text: string, indent = '', style?: Style, hanging = indent): void {
    this.#lines.push(...paragraph(this.#paint, text, { width: this.#width, indent, hanging, style }));
  }

  #row(row: RowComparison): void {
    this.#text(`${row.id} ${row.case}`, '', 'bold');
    if (row.base !== row.now) {
      this.#text(`verdict: ${VERDICT_WORDS[row.base]} → ${VERDICT_WORDS[row.now]}`, '  ', 'yellow', '    ');
    }
    if (row.refused !== '') {
      this.#text(`not compared: ${row.refused}`, '  ', 'yellow', '    ');
      return;
    }
    if (row.ratios.length === 0) this.#text('no ratio in common', '  ', 'dim');
    for (const change of row.ratios) this.#change(change);
    for (const change of row.absolutes) {
      if (change.verdict === 'faster' || change.verdict === 'slower') this.#change(change);
    }
  }

  /** `ours over naive     12.3× → 14.1×   1.15× [1.10 – 1.20] faster`. */
  #change(change: Change): void {
    const { name, metric, unit, base, now, verdict } = change;
    const show = (value: number): string => (unit === '×' ? formatTimes(value) : formatValue(value, unit));
    const width = this.#width - 57;
    const from = padStart(truncate(visible(show(base.value)), 9), 9);
    const to = padEnd(truncate(visible(show(now.value)), 9), 9);
    const by = `${padStart(formatTimes(change.change), 7)} ${padEnd(formatEnds(change.low, change.high), 14)}`;
    const word = metric === 'time' || metric === 'rate' ? verdict : (BETTER_OR_WORSE[verdict] ?? verdict);
    const line = `  ${padEnd(truncate(visible(name.replace(/^ours over /, 'vs ')), width), width)}${from} → ${to}${by}${word}`;
    this.#lines.push(this.#paint.as(STYLES[verdict], truncate(line, this.#width)));
  }

  #unmatched(): void {
    const { onlyInBase, onlyInNow } = this.#comparison;
    if (onlyInBase.length > 0) this.#text(`Only in the base: ${onlyInBase.join(', ')}`, '', 'yellow', '  ');
    if (onlyInNow.length > 0) this.#text(`Only now: ${onlyInNow.join(', ')}`, '', undefined, '  ');
  }

  #verdict(): void {
    const { rows, tolerance } = this.#comparison;
    const ratios = rows.flatMap((row) => row.ratios);
    const counts = VERDICTS.map((verdict) => ratios.filter((change) => change.verdict === verdict).length);
    const told = VERDICTS.map((verdict, index) => `${counts[index]} ${verdict}`).join(', ');
    this.#lines.push('');
    this.#text(
      `${formatCount(ratios.length, 'ratio')}: ${told} (changes within ${Number((tolerance * 100).toPrecision(2))} % count as none)`,
      '',
      'bold',
    );
  }
}

/** Renders a comparison for a terminal; absolute figures are shown only where they changed beyond doubt. */
export function renderComparison(comparison: Comparison, options: TerminalOptions): string {
  return new ComparisonText(comparison, options).render();
}
