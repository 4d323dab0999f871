// How far the ratios of repeated runs lie apart: `node benchmarks/tools/spread.mjs run-1.json run-2.json …`
// Prints, for every ratio that all runs have, the median and the spread (largest − smallest, relative to the median).

import { readFileSync } from 'node:fs';
import { median } from '../dist/harness/statistics.js';

const files = process.argv.slice(2);
if (files.length < 2) {
  console.error('spread: expected at least two reports written by bench --json');
  process.exit(2);
}

const ratios = new Map();
const slowest = new Map();
for (const file of files) {
  const { rows } = JSON.parse(readFileSync(file, 'utf8'));
  for (const { id, case: name, ratios: found, results } of rows) {
    for (const { of, over, ratio } of found) {
      const key = `${id} ${name}: ${of} over ${over}`;
      ratios.set(key, [...(ratios.get(key) ?? []), ratio]);
      const times = results.filter((r) => r.metric === 'time' && (r.variant === of || r.variant === over));
      slowest.set(key, Math.min(...times.map(({ value }) => value)));
    }
  }
}

let above = 0;
let wide = 0;
for (const [key, values] of ratios) {
  if (values.length < files.length) continue;
  const spread = (Math.max(...values) - Math.min(...values)) / median(values);
  const counts = slowest.get(key) >= 1000;
  if (counts) above++;
  if (counts && spread > 0.1) wide++;
  const mark = counts ? (spread > 0.1 ? '!' : ' ') : '·';
  console.log(
    `${mark} ${key.padEnd(64)} ${median(values).toPrecision(4).padStart(9)}  ±${((spread / 2) * 100).toFixed(1)} %`,
  );
}
console.log(
  `\n${files.length} runs; ${above - wide} of ${above} ratios between operations above 1 µs agree within 10 % (· below 1 µs, ! wider)`,
);
