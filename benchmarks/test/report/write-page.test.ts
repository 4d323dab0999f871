import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { writeOutputs } from '../../dist/report/outputs.js';
import { renderReport } from '../../dist/report/html.js';
import type { Report } from '../../dist/report/record.js';
import { writePage } from '../../dist/report/write-page.js';
import { canMount, smallDisk } from '../setup/small-disk.ts';
import { EMPTY, FULL } from './fixtures.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hotpath-page-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** From about 50 rows on there are pages beside the front page. */
function reportOf(count: number): Report {
  const rows = Array.from({ length: count }, (_, index) => ({
    ...FULL.rows[0]!,
    package: 'cpu' as const,
    case: `case ${index}`,
  }));
  return { ...FULL, rows };
}

/** A flame graph for the first row. */
function stacksOf(report: Report): Parameters<typeof writePage>[2] {
  const root = { name: 'all', url: '', line: 0, column: 0, self: 1, total: 1, children: [] };
  return new Map([[report.rows[0]!, new Map([['ours', root]])]]);
}

describe('a page', () => {
  test('leaves no pages of a longer report before it, and touches those of nobody else', () => {
    const file = join(folder, 'report.html');
    const rows = join(folder, 'report-rows');
    const others = [join(folder, 'report-cpu.html'), join(rows, 'notes.html'), join(rows, 'cpu-notes.html')];
    mkdirSync(rows);
    for (const other of others) writeFileSync(other, 'not ours');
    const counts = [150, 60, 0].map((count) => {
      const report = reportOf(count);
      writePage(file, report, new Map());
      const { front, parts } = renderReport(report, { file: 'report.html' });
      expect(readFileSync(file, 'utf8')).toBe(front);
      const expected = [...[...parts.keys()].map((part) => basename(part)), 'notes.html', 'cpu-notes.html'];
      expect(readdirSync(rows).sort()).toEqual(expected.sort());
      for (const [part, text] of parts) expect(readFileSync(join(folder, part), 'utf8')).toBe(text);
      return parts.size;
    });
    expect(counts[0]).toBeGreaterThan(counts[1]!);
    expect(counts[1]).toBeGreaterThan(counts[2]!);
    for (const other of others) expect(readFileSync(other, 'utf8')).toBe('not ours');
    expect(readdirSync(folder).sort()).toEqual(['report-cpu.html', 'report-rows', 'report.html']);
  });

  test.skipIf(!canMount())(
    'that a full disk has no room for leaves the one before it, and no files of its own (skipped where tmpfs cannot be mounted)',
    () => {
      const disk = join(folder, 'disk');
      using _disk = smallDisk(disk, 600);
      const file = join(disk, 'report.html');
      writePage(file, EMPTY, new Map());
      const before = readFileSync(file, 'utf8');
      const report = reportOf(150);
      const { parts } = renderReport(report);
      const bytes = [...parts.values()].map((text) => Buffer.byteLength(text));
      // Some of the pages do fit.
      expect(bytes[0]).toBeLessThan(400_000);
      expect(bytes.reduce((sum, more) => sum + more)).toBeGreaterThan(600 * 1024);
      expect(() => {
        writePage(file, report, stacksOf(report));
      }).toThrow(/^--html .*ENOSPC/);
      expect(readdirSync(disk)).toEqual(['report.html']);
      expect(readFileSync(file, 'utf8')).toBe(before);
    },
  );
});

describe('a page whose files cannot all get their names', () => {
  /** Every file below the folder, with what is in it. */
  function contents(): Record<string, string> {
    const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    );
    return Object.fromEntries(
      files.map(({ parentPath, name }) => [
        join(parentPath, name),
        readFileSync(join(parentPath, name), 'utf8'),
      ]),
    );
  }

  test('leaves the report before it as it was, the pages that had been replaced too', () => {
    const file = join(folder, 'report.html');
    writePage(file, reportOf(60), stacksOf(reportOf(60)));
    const before = contents();
    // More pages than before, the last of which has the name of a folder: renaming a file to it fails.
    const report = reportOf(150);
    const parts = [...renderReport(report, { file: 'report.html' }).parts.keys()];
    const taken = join(
      folder,
      parts.find((part) => !(join(folder, part) in before))!,
    );
    mkdirSync(join(taken, 'not ours'), { recursive: true });
    expect(() => {
      writePage(file, report, stacksOf(report));
    }).toThrow(/^--html .*E(?:ISDIR|NOTEMPTY|EXIST)/);
    expect(contents()).toEqual(before);
    rmSync(taken, { recursive: true });
    writePage(file, report, stacksOf(report));
    expect(readFileSync(file, 'utf8')).not.toBe(before[file]);
    expect(Object.keys(contents()).filter((name) => /partial|earlier/.test(name))).toEqual([]);
  });

  test('leaves nothing where there was no report', () => {
    const file = join(folder, 'new/report.html');
    mkdirSync(join(file, 'a folder'), { recursive: true });
    const report = reportOf(60);
    expect(() => {
      writePage(file, report, stacksOf(report));
    }).toThrow(/^--html /);
    expect(new Set(readdirSync(join(folder, 'new'), { recursive: true, encoding: 'utf8' }))).toEqual(
      new Set(['report.html', 'report.html/a folder']),
    );
  });
});

describe('outputs', () => {
  const at = (name: string): string => join(folder, name);

  test.each(['save', 'json', 'html'] as const)('where %s cannot be written the others are', (broken) => {
    writeFileSync(at('file'), 'no folder');
    const files = { save: at('records/a.json'), json: at('a.json'), html: at('a.html') };
    const told: string[] = [];
    const failures = writeOutputs({ ...files, [broken]: at('file/a') }, FULL, new Map(), (text) => {
      told.push(text);
    });
    expect(failures.map(({ message }) => message)).toEqual([
      expect.stringMatching(new RegExp(`^--${broken} .*file/a: `)),
    ]);
    for (const [name, file] of Object.entries(files)) {
      if (name !== broken) expect(readFileSync(file, 'utf8')).not.toBe('');
    }
    expect(told).toEqual(broken === 'save' ? [] : [`Saved ${files.save}`]);
  });
});
