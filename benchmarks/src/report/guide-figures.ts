/**
 * The measured tables of the guide's chapters, from a record. Pure.
 *
 * A chapter says where a table belongs, and of what: `[//]: # (figures I2)` for the rows of a topic,
 * `[//]: # (figures W1/memory)` for every variant of one row, up to `[//]: # (figures end)`. Markdown shows neither line.
 */

import { cell } from './figures.ts';
import { goalOf, headlineOf, sideOf, variantsOf, VERDICT_WORDS } from './findings.ts';
import { formatDate, formatEnds, formatTimes, formatValue, NO_FIGURE } from './format.ts';
import type { Ratio, Report, Result, Row } from './record.ts';

const BLOCK = /^\[\/\/\]: # \(figures ([A-Z]\d)(?:\/([^)\n]+))?\)\n[\s\S]*?^\[\/\/\]: # \(figures end\)$/gm;

/** What a block of a chapter asks for. */
export interface FiguresAsked {
  readonly id: string;
  /** The one row of the topic that it is about. */
  readonly case: string | undefined;
}

/** `undefined` when the record has no such row. */
export function guideFiguresOf(report: Report, { id, case: name }: FiguresAsked): string | undefined {
  const rows = report.rows.filter((row) => row.id === id && (name === undefined || row.case === name));
  const [first] = rows;
  if (first === undefined) return undefined;
  const { cpu, cores, node, date, settings } = report.environment;
  const quick = settings['tier'] === 'quick' ? ', a quick run' : '';
  const head = `Measured ${formatDate(date)} on ${cell(cpu)} (${cores} cores), Node ${cell(node)}${quick}:`;
  return `${head}\n\n${name === undefined ? topicTable(rows, cores) : rowTable(first)}`;
}

/** The text with every block replaced by what `find` gives; a block for which it gives nothing stays. */
export function withGuideFigures(text: string, find: (asked: FiguresAsked) => string | undefined): string {
  return text.replaceAll(BLOCK, (block, id: string, name: string | undefined) => {
    const figures = find({ id, case: name });
    const [begin] = block.split('\n', 1);
    return figures === undefined ? block : `${begin}\n\n${figures}\n\n[//]: # (figures end)`;
  });
}

/** What the blocks of a text ask for, in their order. */
export function figuresAskedBy(text: string): FiguresAsked[] {
  return [...text.matchAll(BLOCK)].map(([, id, name]) => ({ id: id!, case: name }));
}

/** The rows that the guide has a figure for; of a topic without one, all. */
function topicTable(rows: readonly Row[], cores: number): string {
  const guided = rows.filter(({ guide }) => guide !== null);
  const lines = (guided.length > 0 ? guided : rows).map((row) => topicLine(row, cores));
  return [
    '| case | naive | ours | gain | guide | verdict |',
    '| --- | --- | --- | --- | --- | --- |',
    ...lines,
  ].join('\n');
}

function topicLine(row: Row, cores: number): string {
  const ratio = headlineOf(row);
  const { of, over, metric, unit } = ratio ?? pairOf(row);
  const find = (variant: string): Result | undefined =>
    row.results.find(
      (each) =>
        each.variant === variant && each.metric === metric && (unit === undefined || each.unit === unit),
    );
  const valueOf = (variant: string): string => formatResult(find(variant));
  const what = unit === undefined ? '' : `: ${wordsOf(unit)}`;
  const overWhat = over === 'naive' ? '' : ` (${cell(over)})`;
  const goal = goalOf(row, cores);
  return `| ${[
    cell(`${row.case}${what}`),
    `${valueOf(over)}${overWhat}`,
    valueOf(of),
    gainOf(ratio),
    goal === undefined ? NO_FIGURE : formatTimes(goal),
    VERDICT_WORDS[row.verdict],
  ].join(' | ')} |`;
}

/** What to show where nothing can be divided: a count of none, say. */
function pairOf({ results }: Row): Pick<Ratio, 'of' | 'over' | 'metric' | 'unit'> {
  const ours = results.find(({ variant }) => variant === 'ours');
  const naive = results.find(({ kind, unit }) => kind === 'naive' && unit === ours?.unit);
  const { metric = 'time', unit } = ours ?? {};
  return { of: 'ours', over: naive?.variant ?? 'naive', metric, ...(unit === undefined ? {} : { unit }) };
}

function formatResult(result: Result | undefined): string {
  return result === undefined ? NO_FIGURE : cell(formatValue(result.value, stepOf(result.unit)));
}

function gainOf(ratio: Ratio | undefined): string {
  if (ratio === undefined) return NO_FIGURE;
  const words = `${formatTimes(ratio.ratio)} (${formatEnds(ratio.low, ratio.high)})`;
  return sideOf(ratio) === 'worse' ? `**loss** ${words}` : words;
}

/** A line a variant, a column a unit. */
function rowTable(row: Row): string {
  const units = [...new Set(row.results.map(({ unit }) => unit))];
  const lines = variantsOf(row).map(({ variant }) => {
    const values = units.map((unit) =>
      formatResult(row.results.find((each) => each.variant === variant && each.unit === unit)),
    );
    return `| ${[cell(variant), ...values].join(' | ')} |`;
  });
  return [
    `| variant | ${units.map((unit) => cell(wordsOf(unit))).join(' | ')} |`,
    `|${' --- |'.repeat(units.length + 1)}`,
    ...lines,
  ].join('\n');
}

const UNIT = /^(ns|B)(?: |\/|$)/;

/** The unit that stands beside each value, so that the words need to stand once, above. */
const stepOf = (unit: string): string => UNIT.exec(unit)?.[1] ?? '';

const wordsOf = (unit: string): string => unit.replace(/^(?:ns|B)[ /]?/, '') || unit;
