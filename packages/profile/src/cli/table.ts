/** Tables for a terminal. Pure. */

import { formatAmount, formatShare } from '../flame/amounts.ts';
import type { FlameUnit } from '../flame/amounts.ts';

export interface Row {
  readonly name: string;
  readonly url: string;
  readonly line: number;
  readonly column: number;
  readonly self: number;
  readonly selfShare: number;
  readonly total: number;
}

// A name may hold what a terminal takes for a command.
// oxlint-disable-next-line no-control-regex -- controls are what is looked for
const CONTROLS = /[\u{0}-\u{1F}\u{7F}-\u{9F}\u{200E}\u{200F}\u{202A}-\u{202E}\u{2066}-\u{2069}]/gu;

const NAME_LENGTH = 60;

/** `url` as a path from `folder`, a URL with a slash at its end, where it is in it. */
export function placeText(
  { url, line, column }: Pick<Row, 'url' | 'line' | 'column'>,
  folder: string,
): string {
  if (url === '') return '';
  const path = url.startsWith(folder) ? url.slice(folder.length) : url.replace(/^file:\/\/(?=\/)/, '');
  return `${path.replace(CONTROLS, '?')}${line === 0 ? '' : `:${line}:${column}`}`;
}

/** One line a function, the columns aligned, ended by a newline. */
export function topTable(rows: readonly Row[], unit: FlameUnit, folder: string): string {
  const lines = rows.map((row) => [
    formatAmount(row.self, unit),
    formatShare(row.selfShare),
    formatAmount(row.total, unit),
    (row.name === '' ? '(anonymous)' : row.name).replace(CONTROLS, '?').slice(0, NAME_LENGTH),
    placeText(row, folder),
  ]);
  const table = [['itself', '', 'in all', 'function', ''], ...lines];
  const widths = [0, 1, 2, 3].map((column) =>
    table.reduce((most, line) => Math.max(most, line[column]!.length), 0),
  );
  return table
    .map((line) =>
      line
        .map((cell, column) =>
          column < 3 ? cell.padStart(widths[column]!) : cell.padEnd(widths[column] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('');
}
