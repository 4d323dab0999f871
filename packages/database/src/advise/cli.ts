#!/usr/bin/env node
/** `hotpath-db`: index advice on the command line. */

import { parseArgs } from 'node:util';
import { type Database, createDatabase } from '../database.ts';
import type { Verification } from './advise.ts';
import { audit } from './audit.ts';
import { renderAdvice, renderAudit } from './report.ts';
import { type CountedStatement, adviseOnAll, readStatements } from './statements.ts';

/** Exit codes, part of the public contract. */
const EXIT = { ok: 0, failed: 1, usage: 2, found: 3 } as const;

const HELP = `Usage: hotpath-db advise [options]   which indexes the queries lack
       hotpath-db audit [options]    indexes that are missing, broken or of no use

Explains queries and reads the catalogue; executes and changes nothing.

Where:
  --url <url>          postgres://user@host/database; default: DATABASE_URL, else
                       the PG* variables. Keep the password out of it: PGPASSWORD

advise:
  --from <source>      pg_stat_statements: the statements that the server counted
  --query <sql>        this statement instead; may be repeated
  --top <count>        of the source, the most expensive ones (default: 50)
  --verify <how>       auto (default): by hypopg where it is installed, else not;
                       hypopg; none; transaction: builds each index for real and
                       rolls it back, while writers to the table wait
  --min-gain <times>   leave out what makes a query less than so many times
                       cheaper (default: 1.5)

audit:
  --schema <name>      only this schema

Both:
  --min-rows <count>   leave smaller tables alone (default: 1000)
  --json               print JSON
  --check              exit with 3 when there is something to do
  -h, --help           show this help

Examples:
  hotpath-db advise --url postgres://ada@db/shop --from pg_stat_statements
  hotpath-db advise --query 'SELECT * FROM users WHERE email = $1'
  hotpath-db audit --json --check

Exit codes: 0 done; 1 the server cannot be reached or refused; 2 wrong use; 3 with --check, something to do.
`;

const OPTIONS = {
  url: { type: 'string' },
  from: { type: 'string' },
  query: { type: 'string', multiple: true },
  top: { type: 'string', default: '50' },
  verify: { type: 'string', default: 'auto' },
  'min-gain': { type: 'string', default: '1.5' },
  'min-rows': { type: 'string', default: '1000' },
  schema: { type: 'string' },
  json: { type: 'boolean', default: false },
  check: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

/** The command line is wrong; told in one line. */
class UsageError extends Error {}

type Arguments = ReturnType<typeof readArguments>;

function readArguments(args: readonly string[]) {
  try {
    const { values, positionals } = parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
    return { ...values, commands: positionals };
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function numberOf(name: string, text: string, least: number): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= least))
    throw new UsageError(`--${name}: expected a number of at least ${least}`);
  return value;
}

/** Checks everything before anything is connected to. */
function check(given: Arguments): {
  command: 'advise' | 'audit';
  top: number;
  minGain: number;
  minRows: number;
} {
  const [command, ...rest] = given.commands;
  if (command !== 'advise' && command !== 'audit')
    throw new UsageError('expected a command: advise or audit');
  if (rest.length > 0) throw new UsageError(`expected nothing after ${command} but options`);
  if (command === 'audit' && (given.from !== undefined || given.query !== undefined)) {
    throw new UsageError('audit: expected neither --from nor --query');
  }
  if (command === 'advise') {
    if ((given.from === undefined) === (given.query === undefined)) {
      throw new UsageError('advise: expected either --from pg_stat_statements or --query');
    }
    if (given.from !== undefined && given.from !== 'pg_stat_statements') {
      throw new UsageError('--from: expected pg_stat_statements');
    }
    if (given.schema !== undefined) throw new UsageError('advise: expected no --schema');
  }
  if (!['auto', 'hypopg', 'transaction', 'none'].includes(given.verify)) {
    throw new UsageError('--verify: expected auto, hypopg, transaction or none');
  }
  return {
    command,
    top: numberOf('top', given.top, 1),
    minGain: numberOf('min-gain', given['min-gain'], 1),
    minRows: numberOf('min-rows', given['min-rows'], 0),
  };
}

async function run(args: readonly string[]): Promise<number> {
  const given = readArguments(args);
  if (given.help) {
    process.stdout.write(HELP);
    return EXIT.ok;
  }
  const checked = check(given);
  const connectionString = given.url ?? process.env['DATABASE_URL'];
  const db = createDatabase({
    ...(connectionString === undefined ? {} : { connectionString }),
    applicationName: 'hotpath-db',
    max: 1,
    min: 1,
    lanes: 0,
  });
  try {
    return await runOn(db, given, checked);
  } finally {
    await db.close();
  }
}

async function runOn(
  db: Database,
  given: Arguments,
  { command, top, minGain, minRows }: ReturnType<typeof check>,
): Promise<number> {
  // Fails at once where the pool would try again.
  await db.warm();
  let found: number;
  if (command === 'audit') {
    const findings = await audit(db, { schema: given.schema, minRows });
    found = findings.length;
    print(given.json, findings, renderAudit);
  } else {
    const asked = given.query?.map((query): CountedStatement => ({ query, calls: 0, totalMs: 0 }));
    const verify = given.verify as 'auto' | Verification;
    const workload = await adviseOnAll(db, asked ?? (await readStatements(db, Math.floor(top))), {
      verify,
      minGain,
      minRows,
    });
    found = workload.indexes.length;
    print(given.json, workload, renderAdvice);
    // A statement of the user's own that cannot be explained is a failure, not a gap.
    if (asked !== undefined && workload.skipped.length > 0) return EXIT.failed;
  }
  return given.check && found > 0 ? EXIT.found : EXIT.ok;
}

function print<Result>(json: boolean, result: Result, render: (result: Result) => string): void {
  process.stdout.write(json ? `${JSON.stringify(result, undefined, 2)}\n` : render(result));
}

/** One line, without the password, whatever an error quotes. */
function harmless(error: unknown, args: readonly string[]): string {
  let text = (error instanceof Error ? error.message : String(error)).replaceAll(/[\s\p{Cc}]+/gu, ' ');
  const secrets = [
    process.env['PGPASSWORD'],
    ...[...args, process.env['DATABASE_URL'] ?? ''].flatMap(passwordsOf),
  ];
  for (const secret of secrets)
    if (secret !== undefined && secret !== '') text = text.replaceAll(secret, '***');
  return text;
}

/** What stands between `:` and the last `@` of a URL, as it is and decoded. */
function passwordsOf(text: string): string[] {
  const password = /:\/\/[^:/@]*:(.*)@/u.exec(text)?.[1];
  if (password === undefined) return [];
  try {
    return [password, decodeURIComponent(password)];
  } catch {
    return [password];
  }
}

const args = process.argv.slice(2);
try {
  process.exitCode = await run(args);
} catch (error) {
  process.stderr.write(`hotpath-db: ${harmless(error, args)}\n`);
  if (error instanceof UsageError) process.stderr.write('hotpath-db --help shows what there is.\n');
  process.exitCode = error instanceof UsageError ? EXIT.usage : EXIT.failed;
}
