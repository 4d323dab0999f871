// The measured tables of the packages' READMEs and of the guide's chapters, each from the newest record under benchmarks/records
// that holds the package, or the row.
//   node benchmarks/tools/figures.mjs           writes them
//   node benchmarks/tools/figures.mjs --check   exits 1 when a table is not what the record gives

import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { figuresOf, withFigures } from '../dist/report/figures.js';
import { figuresAskedBy, guideFiguresOf, withGuideFigures } from '../dist/report/guide-figures.js';
import { parseReport } from '../dist/report/validate.js';

const ROOT = new URL('../../', import.meta.url);
const RECORDS = fileURLToPath(new URL('benchmarks/records/', ROOT));
const PACKAGES = ['memory', 'cpu', 'io', 'database', 'cache', 'profile'];

const check = process.argv[2] === '--check';
if (process.argv.length > 3 || (process.argv.length === 3 && !check)) {
  console.error('figures: expected nothing or --check');
  process.exit(2);
}

/** The newest first: names begin with their date. */
const reports = (existsSync(RECORDS) ? readdirSync(RECORDS, { recursive: true, encoding: 'utf8' }) : [])
  .filter((path) => path.endsWith('.json'))
  .sort((a, b) => b.split('/').at(-1).localeCompare(a.split('/').at(-1)))
  .map((path) => parseReport(readFileSync(`${RECORDS}${path}`, 'utf8')));
if (reports.length === 0) {
  console.log('figures: no record yet; pnpm bench --save makes one');
  process.exit(0);
}

let wrong = 0;
function complain(text) {
  console.error(`figures: ${text}`);
  wrong++;
}

/** Writes the text, or complains that it is not there. */
function settle(path, before, wanted) {
  if (wanted === before) return;
  if (check) complain(`${path} differs from the records; run pnpm figures`);
  else writeFileSync(new URL(path, ROOT), wanted);
}

for (const name of PACKAGES) {
  const path = `packages/${name}/README.md`;
  const text = readFileSync(new URL(path, ROOT), 'utf8');
  const report = reports.find(({ rows }) => rows.some((row) => row.package === name)) ?? reports[0];
  const wanted = withFigures(text, figuresOf(report, name));
  if (wanted === undefined) complain(`${path} needs one <!-- figures:begin --> and one <!-- figures:end -->`);
  else settle(path, text, wanted);
}

/** Every topic that was measured is to be in a chapter. */
const missing = new Set(reports.flatMap(({ rows }) => rows.map(({ id }) => id)));
for (const file of readdirSync(new URL('docs/guide/', ROOT)).filter((name) => name.endsWith('.md'))) {
  const path = `docs/guide/${file}`;
  const text = readFileSync(new URL(path, ROOT), 'utf8');
  const find = (asked) => {
    for (const report of reports) {
      const figures = guideFiguresOf(report, asked);
      if (figures !== undefined) return figures;
    }
    complain(`${path} asks for ${asked.id} ${asked.case ?? ''}, which no record has`);
    return undefined;
  };
  for (const { id } of figuresAskedBy(text)) missing.delete(id);
  settle(path, text, withGuideFigures(text, find));
}
if (missing.size > 0) complain(`no chapter of docs/guide shows ${[...missing].join(', ')}`);
if (wrong > 0) process.exit(1);
console.log(`figures: ${check ? 'as in' : 'written from'} the records`);
