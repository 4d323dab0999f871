/** The measured table of a package's README, from a record. Pure. */

import type { PackageName } from '../harness/case.ts';
import { goalOf, isFloor, sideOf, VERDICT_WORDS } from './findings.ts';
import { formatDate, formatEnds, formatTimes } from './format.ts';
import type { Ratio, Report, Row } from './record.ts';

const BEGIN = '<!-- figures:begin -->';
const END = '<!-- figures:end -->';

/** A cell of a Markdown table: no text of a record can end it, break its line or start markup. */
export function cell(text: string): string {
  return text
    .replaceAll(/\s+/g, ' ')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll(/[\\`*_[\]|]/g, String.raw`\$&`);
}

function ratioWords({ of, over, unit, ratio, low, high }: Ratio): string {
  const name = of === 'ours' ? '' : `${of.replace(/^ours:/, '')}: `;
  const what = unit === undefined ? '' : ` (${unit})`;
  const words = cell(`${name}${formatTimes(ratio)} (${formatEnds(low, high)}) over ${over}${what}`);
  return sideOf({ low, high }) === 'worse' ? `**loss** ${words}` : words;
}

/** Ours first, then what else we offer; floors only bound. */
function ratiosOf(row: Row): string {
  const ours = row.ratios.filter(({ of, over }) => of === 'ours' && !isFloor(over));
  const shown = ours.length > 0 ? ours : row.ratios.filter(({ over }) => !isFloor(over));
  return shown.length === 0 ? cell(row.reason) : shown.map((ratio) => ratioWords(ratio)).join('<br>');
}

function lineOf(row: Row, cores: number): string {
  const goal = goalOf(row, cores);
  const guide = goal === undefined ? '–' : formatTimes(goal);
  return `| ${cell(`${row.id} ${row.case}`)} | ${ratiosOf(row)} | ${guide} | ${VERDICT_WORDS[row.verdict]} |`;
}

/** The block between the markers, without them. */
export function figuresOf(report: Report, packageName: PackageName): string {
  const { environment } = report;
  const rows = report.rows.filter((row) => row.package === packageName);
  if (rows.length === 0) return 'No record holds figures of this package yet.';
  const { cpu, cores, node, date, commit } = environment;
  const quick = environment.settings['tier'] === 'quick' ? ', a quick run: few rounds, wide intervals' : '';
  return [
    `Measured ${formatDate(date)} on ${cell(cpu)} (${cores} cores), Node ${cell(node)}, commit ${cell(commit)}${quick}.`,
    'How many times better ours is, with its 95 % interval; losses are marked.',
    '',
    '| case | ours | guide | verdict |',
    '| --- | --- | --- | --- |',
    ...rows.map((row) => lineOf(row, cores)),
  ].join('\n');
}

/**
 * The text with the block between its markers replaced; `undefined` when it has no markers, or not one pair in order.
 */
export function withFigures(text: string, figures: string): string | undefined {
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (begin === -1 || end < begin) return undefined;
  if (text.indexOf(BEGIN, begin + 1) !== -1 || text.indexOf(END, end + 1) !== -1) return undefined;
  return `${text.slice(0, begin + BEGIN.length)}\n${figures}\n${text.slice(end)}`;
}
