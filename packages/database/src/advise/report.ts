/** What the command prints for people. Pure. */

import type { AuditFinding } from './audit.ts';
import type { Workload, WorkloadAdvice } from './statements.ts';

const QUERY_CHARS = 100;
const HEAD = ['gain', 'spares', 'size', 'verified by', 'index'] as const;
const NUMBERS = 3;

/** A table of the advice, each with its reason and the statements that gain. */
export function renderAdvice({ explained, skipped, indexes }: Workload): string {
  const lines: string[] = [];
  if (indexes.length === 0) lines.push('No index is missing.');
  else {
    const rows = indexes.map(cellsOf);
    const widths = HEAD.map((title, at) => Math.max(title.length, ...rows.map((row) => row[at]!.length)));
    const indent = ' '.repeat(widths.slice(0, -1).reduce((sum, width) => sum + width + 2, 0));
    lines.push(line(HEAD, widths));
    indexes.forEach((advice, at) => {
      lines.push(line(rows[at]!, widths), `${indent}${advice.reason}`);
      for (const { query, calls } of advice.statements.slice(0, 3)) {
        lines.push(`${indent}  ${calls > 0 ? `${count(calls)} × ` : ''}${oneLine(query)}`);
      }
      if (advice.statements.length > 3) lines.push(`${indent}  and ${advice.statements.length - 3} more`);
    });
  }
  lines.push('', `${explained} statements explained, ${skipped.length} skipped.`);
  for (const { query, reason } of skipped) lines.push(`  skipped (${oneLine(reason)}): ${oneLine(query)}`);
  if (indexes.some(({ verified }) => verified === 'none')) {
    lines.push(
      'Unverified gains are estimates. Install hypopg, or allow --verify transaction on a copy, to have the planner decide.',
    );
  }
  return `${lines.join('\n')}\n`;
}

/** A list of the findings, by kind. */
export function renderAudit(findings: readonly AuditFinding[]): string {
  if (findings.length === 0) return 'Nothing found.\n';
  const lines = findings.flatMap(({ kind, table, indexName, ddl, reason, sizeBytes }) => [
    `${kind}  ${table.join('.')}${indexName === undefined ? '' : `  ${indexName}`}${sizeBytes === undefined ? '' : `  ${bytes(sizeBytes)}`}`,
    `  ${reason}`,
    ...(ddl === undefined ? [] : [`  ${ddl};`]),
  ]);
  return `${lines.join('\n')}\n`;
}

function cellsOf({ gain, sparedMs, sizeBytes, verified, ddl }: WorkloadAdvice): string[] {
  return [
    `${gain >= 10 ? Math.round(gain) : gain.toFixed(1)}×`,
    sparedMs === 0 ? '-' : duration(sparedMs),
    sizeBytes === undefined ? '-' : bytes(sizeBytes),
    verified === 'none' ? 'nothing' : verified,
    `${ddl};`,
  ];
}

function line(cells: readonly string[], widths: readonly number[]): string {
  const padded = cells.map((cell, at) =>
    at < NUMBERS ? cell.padStart(widths[at]!) : cell.padEnd(widths[at]!),
  );
  return padded.join('  ').trimEnd();
}

function duration(ms: number): string {
  if (ms < 1_000) return `${ms.toPrecision(3)} ms`;
  return ms < 600_000 ? `${(ms / 1_000).toPrecision(3)} s` : `${(ms / 60_000).toFixed(0)} min`;
}

function bytes(size: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, size)) / 10));
  return `${Number((size / 1024 ** power).toPrecision(3))} ${units[power]}`;
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}

/** Control characters would move the terminal's cursor. */
function oneLine(text: string): string {
  const flat = text.replaceAll(/[\s\p{Cc}]+/gu, ' ').trim();
  return flat.length > QUERY_CHARS ? `${flat.slice(0, QUERY_CHARS - 1)}…` : flat;
}
