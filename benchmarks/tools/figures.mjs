// The measured tables of the packages' READMEs, each from the newest record under benchmarks/records that holds the package.
//   node benchmarks/tools/figures.mjs           writes them
//   node benchmarks/tools/figures.mjs --check   exits 1 when a table is not what the record gives

import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { figuresOf, withFigures } from '../dist/report/figures.js';
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
const records = (existsSync(RECORDS) ? readdirSync(RECORDS, { recursive: true, encoding: 'utf8' }) : [])
  .filter((path) => path.endsWith('.json'))
  .sort((a, b) => b.split('/').at(-1).localeCompare(a.split('/').at(-1)))
  .map((path) => ({ path, report: parseReport(readFileSync(`${RECORDS}${path}`, 'utf8')) }));
if (records.length === 0) {
  console.log('figures: no record yet; pnpm bench --save makes one');
  process.exit(0);
}

let wrong = 0;
for (const name of PACKAGES) {
  const file = new URL(`packages/${name}/README.md`, ROOT);
  const text = readFileSync(file, 'utf8');
  const { path, report } =
    records.find(({ report: { rows } }) => rows.some((row) => row.package === name)) ?? records[0];
  const wanted = withFigures(text, figuresOf(report, name));
  if (wanted === undefined) {
    console.error(
      `figures: packages/${name}/README.md needs one <!-- figures:begin --> and one <!-- figures:end -->`,
    );
    wrong++;
  } else if (wanted !== text && check) {
    console.error(
      `figures: packages/${name}/README.md differs from benchmarks/records/${path}; run pnpm figures`,
    );
    wrong++;
  } else if (wanted !== text) {
    writeFileSync(file, wanted);
  }
}
if (wrong > 0) process.exit(1);
console.log(`figures: ${check ? 'as in' : 'written from'} the records`);
