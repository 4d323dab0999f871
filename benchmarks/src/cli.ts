/** `pnpm bench`: chooses cases, runs them, prints the table, writes what was asked for. */

import { setMaxListeners } from 'node:events';
import { existsSync } from 'node:fs';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CallNode } from '@hotpath/profile';
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { FileError, checkWritable, readText } from './files.ts';
import type { Case, Tier } from './harness/case.ts';
import { discoverCases, nameOf } from './harness/discover.ts';
import { NodeVersionError, fetchNode } from './harness/node-version.ts';
import { ALL, FULL, QUICK } from './harness/plan.ts';
import { createProgress } from './harness/progress.ts';
import type { Finished } from './harness/run-suite.ts';
import { runSuite } from './harness/run-suite.ts';
import { PACKAGES, SelectionError, selectCases } from './harness/select.ts';
import { renderComparison } from './report/compare-terminal.ts';
import { compareReports, newlyFailed, worseRatios } from './report/compare.ts';
import { writeOutputs } from './report/outputs.ts';
import type { Environment, Report, Row } from './report/record.ts';
import { renderTerminal } from './report/terminal.ts';
import type { TerminalOptions } from './report/terminal.ts';
import type { Stacks } from './report/write-page.ts';
import { parseReport } from './report/validate.ts';
import { renderChecks } from './self-test/checks.ts';
import { selfTest } from './self-test/self-test.ts';
import { ServicesError } from './services/index.ts';

/** Exit codes, part of the public contract. A failure beats what was left out. */
const EXIT = { ok: 0, failed: 1, usage: 2, leftOut: 3, interrupted: 130 } as const;

/** From those that always run to those that run when all do. */
const TIERS: readonly Tier[] = ['guide', 'peers', 'plain', 'all'];
const RECORDS = fileURLToPath(new URL('../records/', import.meta.url));
interface Options {
  readonly filter?: readonly string[];
  readonly package?: readonly string[];
  readonly quick?: true;
  readonly all?: true;
  readonly node?: string;
  readonly json?: string;
  readonly html?: string;
  readonly flame?: true;
  readonly list?: true;
  readonly selfTest?: true;
  readonly save?: true;
  readonly compare?: readonly string[];
  readonly ci?: true;
  readonly seed: number;
}

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

function parseSeed(text: string): number {
  const seed = Number(text);
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw new InvalidArgumentError('expected a whole number from 0');
  return seed;
}

function createProgram(): Command {
  return new Command('bench')
    .description('Measures every primitive against its naive baseline and its best peers, on this machine.')
    .option(
      '--filter <text>',
      'only cases with this id, this name or else this text in it; may be repeated',
      collect,
    )
    .option('--package <name>', `only cases of this package (${PACKAGES.join(', ')})`, collect)
    .option('--quick', 'fewer rounds: a check in minutes, with wide intervals')
    .option('--all', 'every case, also those beyond the guide and the main peers')
    .option('--node <version>', 'run the cases under this Node, fetched from npm')
    .option('--json <file>', 'write the report as JSON')
    .option(
      '--html <file>',
      'write the report as an offline HTML page; a long one has a folder of pages beside it',
    )
    .option('--flame', 'with --html: flame graphs of naive and ours in a folder beside the page, linked')
    .option('--list', 'name the cases, with their tiers, and stop')
    .option(
      '--self-test',
      'measure what is known, judge the harness by it, also with every core busy, and stop; six minutes',
    )
    .option('--save', 'keep the report under benchmarks/records, by CPU and Node')
    .option(
      '--compare <files...>',
      'compare with a report or record written before; two are compared without a run',
    )
    .option('--ci', 'with --compare: exit 1 when a ratio got worse; absolute times never count')
    .option('--seed <number>', 'seed of every input', parseSeed, 1)
    .helpOption('-h, --help', 'show this help')
    .allowExcessArguments(false)
    .configureOutput({ writeErr: (text) => process.stderr.write(text) })
    .exitOverride()
    .addHelpText(
      'after',
      `
Examples:
  pnpm bench                              the guide's cases and the main peers
  pnpm bench --quick --html report.html   a check in minutes, with a page to look at
  pnpm bench --filter I2                  one row of the guide
  pnpm bench --filter I2 --html i2.html --flame    and where its time goes
  pnpm bench --package memory --node 26   one package, under another Node
  pnpm bench --self-test                  can this machine be trusted to tell 3 %?
  pnpm bench --save                       keep a record, then later:
  pnpm bench --compare FILE               compare this run with it
  pnpm bench --compare OLD NEW            compare two, and measure nothing

Services: a Postgres and a Redis are found through DATABASE_URL and REDIS_URL, or started and stopped here.

Exit codes: 0 all ran; 1 a case or the self-test failed, a given URL is unreachable or a file cannot be written;
2 wrong use; 3 something was left out; 130 interrupted.`,
    );
}

function readReport(file: string): Report {
  const text = readText('--compare', file);
  try {
    return parseReport(text);
  } catch (cause) {
    throw new FileError(`--compare ${file}: ${(cause as Error).message}`, { cause });
  }
}

/** `amd-epyc-7571/node-20.20.2/2026-11-22T101500.json`. */
function recordPath({ date, node, cpu }: Environment): string {
  const machine = (cpu || (cpus()[0]?.model ?? 'unknown')).toLowerCase().replace(/[^a-z0-9]+/g, '-');
  return join(
    RECORDS,
    machine.replace(/^-|-$/g, ''),
    `node-${node.slice(1)}`,
    `${date.slice(0, 19).replaceAll(':', '')}.json`,
  );
}

const TIER_WORDS: Readonly<Record<Tier, string>> = {
  guide: "the guide's own; in every run",
  peers: 'bars against peers; in every run',
  plain: 'what explains those; in every run but --quick',
  all: 'the rest; with --all, or named by --filter',
};

/** The cases with their tiers, then what the tiers are. */
function listOf(cases: readonly Case[]): string {
  const width = Math.max(...cases.map((definition) => nameOf(definition).length));
  const lines = cases.map(
    (definition) =>
      `${nameOf(definition).padEnd(width)}  ${definition.package.padEnd(10)}  ${definition.tier}`,
  );
  const tiers = TIERS.map((tier) => {
    const count = cases.filter((definition) => definition.tier === tier).length;
    return `${tier.padEnd(6)} ${String(count).padStart(4)}  ${TIER_WORDS[tier]}`;
  });
  return [...lines, '', ...tiers].join('\n');
}

function exitCode({ report, aborted, leftBehind }: Finished): number {
  if (aborted) return EXIT.interrupted;
  if (leftBehind !== undefined) return EXIT.failed;
  if (report.rows.some(({ verdict }) => verdict === 'failed')) return EXIT.failed;
  if (report.rows.some(({ verdict }) => verdict === 'left-out')) return EXIT.leftOut;
  return EXIT.ok;
}

function terminal(): TerminalOptions {
  return {
    color: process.stdout.isTTY && process.env['NO_COLOR'] === undefined,
    width: process.stdout.columns ?? 100,
  };
}

function output(finished: Finished, options: Options, base: Report | undefined, stacks: Stacks): void {
  const { report, aborted, leftBehind } = finished;
  console.log(renderTerminal(report, terminal()));
  if (base !== undefined) console.log(renderComparison(compareReports(base, report), terminal()));
  if (aborted) console.log('Interrupted: the table holds what was finished.');
  if (leftBehind !== undefined)
    console.error(`bench: what was started could not all be stopped or removed: ${leftBehind.message}`);
  const isWhole = options.save === true && !aborted;
  if (options.save === true && aborted) console.error('bench: --save: no record of half a run is kept');
  const save = isWhole ? recordPath(report.environment) : undefined;
  const [failure, ...others] = writeOutputs({ ...options, save }, report, stacks, console.log);
  for (const other of others) console.error(`bench: ${other.message}`);
  if (failure !== undefined) throw failure;
}

/** The report's exit code, or that of what got worse. A gate that compares nothing does not open. */
function gate(base: Report | undefined, now: Report, isCi: boolean): number {
  if (!isCi || base === undefined) return EXIT.ok;
  const comparison = compareReports(base, now);
  const complaints = [
    ...worseRatios(comparison).map((name) => `worse than in the record: ${name}`),
    ...newlyFailed(comparison).map((name) => `failed, and did not in the record: ${name}`),
    ...(comparison.rows.some(({ ratios }) => ratios.length > 0)
      ? []
      : ['no ratio can be compared with the record']),
  ];
  for (const complaint of complaints) console.error(`bench: --ci: ${complaint}`);
  return complaints.length > 0 ? EXIT.failed : EXIT.ok;
}

/** Of options that say what to run and what to make of it. */
const RUN_OPTIONS = ['filter', 'package', 'quick', 'all', 'json', 'html', 'save'] as const;

/** What would be passed over in silence is wrong use. */
function refuse(program: Command, options: Options, names: readonly (keyof Options)[], why: string): void {
  const given = names.find((name) => options[name] !== undefined);
  if (given === undefined) return;
  const flag = `--${given.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  program.error(`error: ${why}, so ${flag} has no meaning`);
}

/** Two records, without a run. */
function compareRecords(program: Command, options: Options, files: readonly string[]): number {
  const [base, now] = files;
  if (base === undefined || now === undefined || files.length > 2) {
    program.error(`error: --compare takes one or two files, got ${files.length}`);
  }
  refuse(program, options, [...RUN_OPTIONS, 'node', 'selfTest'], '--compare of two files runs nothing');
  const [before, after] = [readReport(base), readReport(now)];
  console.log(renderComparison(compareReports(before, after), terminal()));
  return gate(before, after, options.ci === true);
}

async function main(argv: readonly string[]): Promise<number> {
  const program = createProgram();
  program.parse(argv, { from: 'user' });
  const options = program.opts<Options>();
  if (options.quick === true && options.all === true) {
    program.error('error: --quick and --all exclude each other');
  }
  if (options.flame === true && options.html === undefined) {
    program.error('error: --flame needs --html');
  }
  if (options.save === true && options.filter !== undefined) {
    program.error('error: --save and --filter exclude each other: a record holds whole packages');
  }
  if (options.ci === true && options.compare === undefined) {
    program.error('error: --ci needs --compare');
  }
  if (options.compare !== undefined && options.compare.length > 1) {
    return compareRecords(program, options, options.compare);
  }
  if (options.selfTest === true) {
    refuse(program, options, [...RUN_OPTIONS, 'compare'], '--self-test measures cases of its own');
  }
  const everything = options.all === true || options.list === true;
  const tiers = everything ? TIERS : TIERS.slice(0, options.quick === true ? 2 : 3);
  const { filter: filters = [], package: packages = [] } = options;
  const cases = selectCases(await discoverCases(), (loaded) => loaded.case, { tiers, filters, packages });
  if (options.list === true) {
    console.log(listOf(cases.map((loaded) => loaded.case)));
    return EXIT.ok;
  }
  if (options.json !== undefined) checkWritable('--json', options.json);
  if (options.html !== undefined) checkWritable('--html', options.html);
  if (options.save === true) checkWritable('--save', existsSync(RECORDS) ? join(RECORDS, 'record') : RECORDS);
  const [baseFile] = options.compare ?? [];
  const base = baseFile === undefined ? undefined : readReport(baseFile);

  const interruption = new AbortController();
  // As many processes listen as a case has variants.
  setMaxListeners(0, interruption.signal);
  const onSignal = (signal: NodeJS.Signals): void => {
    interruption.abort(new Error(`interrupted by ${signal}`));
  };
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  const execPath = options.node === undefined ? process.execPath : await fetchNode(options.node);
  if (options.selfTest === true) {
    // Asked before: the self-test makes a load of its own.
    const load = loadavg()[0] ?? 0;
    try {
      const checks = await selfTest({
        cases: await discoverCases(),
        execPath,
        signal: interruption.signal,
        onProgress: (text) => process.stderr.write(`${text}\n`),
      });
      console.log(renderChecks(checks));
      if (load > availableParallelism()) {
        console.log(
          `The machine is busy (load ${load.toFixed(1)}): no reading can be trusted while others work.`,
        );
      }
      return checks.every(({ ok }) => ok) ? EXIT.ok : EXIT.failed;
    } catch (error) {
      if (interruption.signal.aborted) return EXIT.interrupted;
      throw error;
    }
  }
  const stacks: Stacks = new Map();
  const finished = await runSuite({
    cases,
    tempo: options.quick === true ? QUICK : options.all === true ? ALL : FULL,
    tier: options.quick === true ? 'quick' : options.all === true ? 'all' : 'default',
    seed: options.seed,
    execPath,
    signal: interruption.signal,
    progress: createProgress(process.stderr, cases.length),
    ...(options.flame === true
      ? { onStacks: (row: Row, trees: ReadonlyMap<string, CallNode>) => stacks.set(row, trees) }
      : {}),
  });
  output(finished, options, base, stacks);
  const gated = gate(base, finished.report, options.ci === true);
  return gated !== EXIT.ok && !finished.aborted ? gated : exitCode(finished);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  } else if (error instanceof SelectionError || (error instanceof NodeVersionError && error.isUsage)) {
    console.error(`bench: ${error.message}`);
    process.exitCode = EXIT.usage;
  } else if (
    error instanceof ServicesError ||
    error instanceof FileError ||
    error instanceof NodeVersionError
  ) {
    console.error(`bench: ${error.message}`);
    process.exitCode = EXIT.failed;
  } else {
    throw error;
  }
}
