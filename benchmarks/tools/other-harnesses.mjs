// What other harnesses say of a pair whose ratio is known: a read of a ring buffer at an index wrapped by mask, and by
// remainder. `pnpm harnesses [repeats] [--write]` runs each harness as its manual says, the two functions
// in one process, several times over, and prints the ratio that it gives; the first line is the same pair by a loop
// written out by hand; with --write the table goes into the guide's chapter on measuring. Our own harness is judged on it by `bench --self-test`.

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { median } from '../dist/harness/statistics.js';
import { byHand, ringReader } from '../dist/self-test/ring.js';

/** Each gives nanoseconds a read, by mask and by remainder; none when it gives no number. */
const HARNESSES = {
  async 'tinybench, mean'() {
    const { Bench } = await import('tinybench');
    const bench = new Bench();
    bench.add('mask', ringReader('mask')).add('modulo', ringReader('modulo'));
    await bench.run();
    return bench.tasks.map(({ result }) => result.latency.mean * 1e6);
  },
  async 'tinybench, median'() {
    const { Bench } = await import('tinybench');
    const bench = new Bench();
    bench.add('mask', ringReader('mask')).add('modulo', ringReader('modulo'));
    await bench.run();
    return bench.tasks.map(({ result }) => result.latency.p50 * 1e6);
  },
  async mitata() {
    const { bench, run } = await import('mitata');
    bench('mask', ringReader('mask'));
    bench('modulo', ringReader('modulo'));
    const { benchmarks } = await run({ format: 'quiet' });
    return benchmarks.map(({ runs }) => runs[0].stats.avg);
  },
  async 'bench-node'() {
    const { Suite } = (await import('bench-node')).default;
    const suite = new Suite({ reporter: false });
    suite.add('mask', ringReader('mask')).add('modulo', ringReader('modulo'));
    const results = await suite.run();
    return results.map(({ opsSec }) => 1e9 / opsSec);
  },
};
/** bench-node asks V8 not to optimise what it measures. */
const FLAGS = ['--allow-natives-syntax', '--expose-gc'];

const CHAPTER = new URL('../../docs/guide/measuring.md', import.meta.url);
const TABLE = /(\[\/\/\]: # \(harnesses\)\n\n)[^]*?(\n\[\/\/\]: # \(harnesses end\))/;

const isToWrite = process.argv.includes('--write');
const argument = process.argv.slice(2).find((text) => text !== '--write');
const [asked, repeatsText = '5'] = argument in HARNESSES ? [argument] : [undefined, argument];

if (asked !== undefined) {
  const [mask, modulo] = await HARNESSES[asked]();
  process.stdout.write(`\n${JSON.stringify({ mask, modulo })}\n`);
} else {
  const repeats = Number(repeatsText);
  if (!Number.isInteger(repeats) || repeats < 1) {
    console.error('other-harnesses: expected how often to repeat, 1 or more');
    process.exit(2);
  }
  const self = fileURLToPath(import.meta.url);
  const node = (args) =>
    execFileSync(process.execPath, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  const ask = (name) =>
    JSON.parse(
      node([...FLAGS, self, name])
        .trim()
        .split('\n')
        .at(-1),
    );
  const hand = () => ({
    mask: Number(node(['-e', byHand('mask')])),
    modulo: Number(node(['-e', byHand('modulo')])),
  });
  const lines = ['| asked | by mask | by remainder | ratio | over the repeats |', '|---|---|---|---|---|'];
  const print = (name, read) => {
    const found = Array.from({ length: repeats }, read);
    const ratios = found.map(({ mask, modulo }) => modulo / mask);
    const ns = (of) => `${Number(median(found.map(of)).toPrecision(2))} ns`;
    const cells = [
      name,
      ns(({ mask }) => mask),
      ns(({ modulo }) => modulo),
      `${median(ratios).toFixed(2)}×`,
      `${Math.min(...ratios).toFixed(2)} – ${Math.max(...ratios).toFixed(2)}`,
    ];
    lines.push(`| ${cells.join(' | ')} |`);
    console.log(lines.at(-1));
  };
  console.log(lines.join('\n'));
  print('a loop written out by hand', hand);
  for (const name of Object.keys(HARNESSES)) print(name, () => ask(name));
  if (isToWrite) {
    const table = `${lines.join('\n')}\n`;
    const chapter = readFileSync(CHAPTER, 'utf8');
    writeFileSync(
      CHAPTER,
      chapter.replace(TABLE, (_, before, after) => before + table + after),
    );
  }
}
