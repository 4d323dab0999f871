import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Report } from '../../dist/report/record.js';
import { FULL } from '../report/fixtures.ts';
import { canMount, smallDisk } from '../setup/small-disk.ts';

const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
/** A case that needs no service and takes seconds. */
const FAST = 'fib(20)';

let scratch: string;

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'hotpath-cli-'));
});

afterAll(() => {
  rmSync(scratch, { recursive: true });
});

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface BenchOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** Called with what has been printed so far and the pid. */
  readonly onOutput?: (text: string, pid: number) => void;
}

function bench(args: readonly string[], { env = {}, onOutput }: BenchOptions = {}): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [CLI, ...args], {
      env: { ...process.env, INIT_CWD: scratch, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
      onOutput?.(stderr, child.pid!);
    });
    child.once('error', reject).once('close', (code) => {
      resolve({ code, stdout, stderr });
    });
  });
}

/** The report with every ratio and every time so many times as large. */
function scaled(report: Report, ratioTimes: number, nsTimes: number): Report {
  const by = <T extends { readonly low: number; readonly high: number }>(of: T, times: number): T => ({
    ...of,
    low: of.low * times,
    high: of.high * times,
  });
  return {
    ...report,
    rows: report.rows.map((row) => ({
      ...row,
      ratios: row.ratios.map((ratio) => ({ ...by(ratio, ratioTimes), ratio: ratio.ratio * ratioTimes })),
      results: row.results.map((result) =>
        result.unit === 'ns/op' ? { ...by(result, nsTimes), value: result.value * nsTimes } : result,
      ),
    })),
  };
}

function writeRecord(name: string, report: Report): void {
  writeFileSync(join(scratch, name), JSON.stringify(report));
}

describe('wrong use exits with 2', () => {
  test('an unknown flag names the near one', async () => {
    const { code, stderr } = await bench(['--quik']);
    expect(code).toBe(2);
    expect(stderr).toContain("unknown option '--quik'");
    expect(stderr).toContain('--quick');
  });

  test('a filter that matches nothing names what is near', async () => {
    const { code, stderr } = await bench(['--filter', 'fibb(20)']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/no case matches "fibb\(20\)".*fib\(20\)/);
  });

  test.each([
    [['--package', 'memroy'], 'memory'],
    [['--quick', '--all'], 'exclude each other'],
    [['--ci'], 'needs --compare'],
    [['--flame'], 'needs --html'],
    [['--compare', 'a', 'b', 'c'], 'one or two files, got 3'],
    [['--compare', 'a', 'b', '--quick'], '--quick has no meaning'],
    [['--self-test', '--compare', 'a', 'b'], '--self-test has no meaning'],
    [['--self-test', '--json', 'a.json'], '--json has no meaning'],
    [['--save', '--filter', 'I2'], 'whole packages'],
    [['--seed', 'x'], 'whole number'],
    [['--node', 'latest'], 'expected a version'],
    [['stray'], 'too many arguments'],
  ])('%j', async (args, message) => {
    const { code, stderr } = await bench(args);
    expect(stderr).toContain(message);
    expect(code).toBe(2);
  });
});

describe('help and list', () => {
  test('--help shows examples and exit codes', async () => {
    const { code, stdout } = await bench(['--help']);
    expect(code).toBe(0);
    expect(stdout).toContain('Examples:');
    expect(stdout).toContain('Exit codes:');
  });

  test('--list names every row of the guide, each with a case that also runs with --quick', async () => {
    const { code, stdout } = await bench(['--list']);
    expect(code).toBe(0);
    const inQuick = /^(\w\d) .* (?:guide|peers)$/gm;
    const ids = new Set(Array.from(stdout.matchAll(inQuick), ([, id]) => id));
    const rows = { M: 5, C: 4, I: 6, D: 4, K: 4, B: 4, W: 1 };
    for (const [chapter, count] of Object.entries(rows)) {
      for (let number = 1; number <= count; number++) expect(ids).toContain(`${chapter}${number}`);
    }
  });
});

describe('a run', () => {
  test('prints the table, writes the JSON and the page, exits with 0', async () => {
    const { code, stdout } = await bench([
      '--quick',
      '--filter',
      FAST,
      '--json',
      'a.json',
      '--html',
      'a.html',
      '--flame',
    ]);
    expect(code).toBe(0);
    expect(stdout).toContain('B1');
    const report = JSON.parse(readFileSync(join(scratch, 'a.json'), 'utf8')) as Report;
    expect(report.schema).toBe(1);
    expect(report.rows.map(({ id, case: name }) => `${id} ${name}`)).toEqual(['B1 fib(20)']);
    expect(report.rows[0]!.ratios.map(({ of, over }) => `${of}/${over}`)).toContain('ours/naive');
    const page = readFileSync(join(scratch, 'a.html'), 'utf8');
    expect(page).toMatch(/^<!doctype html>/i);
    for (const variant of ['naive', 'ours']) {
      const file = `a-flames/row-b1-fib-20-${variant}.svg`;
      expect(page).toContain(`href="${file}"`);
      expect(readFileSync(join(scratch, file), 'utf8')).toContain('fib');
    }
  });

  test.each([
    ['a better ratio before', 100, 1, 1],
    ['better times before, and a worse ratio', 0.01, 0.001, 0],
  ])('compared with one of %s: --ci exits by the ratio alone', async (_, ratioTimes, nsTimes, exit) => {
    const base = JSON.parse(readFileSync(join(scratch, 'a.json'), 'utf8')) as Report;
    writeRecord('base.json', scaled(base, ratioTimes, nsTimes));
    const { code, stdout, stderr } = await bench(
      `--quick --filter ${FAST} --compare base.json --ci`.split(' '),
    );
    expect(code).toBe(exit);
    expect(stdout).toContain('1 ratio: ');
    expect(stderr.includes('worse than in the record: B1 fib(20): ours over naive')).toBe(exit === 1);
  });

  test('that is interrupted prints what was finished and exits with 130', async () => {
    let interrupted = false;
    const { code, stdout } = await bench(['--quick', '--filter', FAST, '--filter', 'S1'], {
      onOutput: (text, pid) => {
        if (interrupted || !text.includes('[1/')) return;
        interrupted = true;
        process.kill(pid, 'SIGINT');
      },
    });
    expect(code).toBe(130);
    expect(stdout).toContain('fib(20)');
    expect(stdout).toContain('Interrupted');
  });
});

test('a run that is to be kept and is interrupted leaves no record of its half', async () => {
  let interrupted = false;
  const { code, stdout, stderr } = await bench(['--quick', '--package', 'profile', '--save'], {
    onOutput: (text, pid) => {
      if (interrupted || !text.includes('[1/')) return;
      interrupted = true;
      process.kill(pid, 'SIGINT');
    },
  });
  expect(code).toBe(130);
  expect(stderr).toContain('no record of half a run is kept');
  expect(stdout).not.toContain('Saved');
});

describe('two records are compared without a run', () => {
  beforeAll(() => {
    writeRecord('old.json', FULL);
  });

  test.each<[what: string, ratioTimes: number, nsTimes: number, exit: number, verdict: RegExp]>([
    ['the same', 1, 1, 0, /ratios: 0 faster, 0 slower/],
    ['worse ratios', 0.5, 1, 1, /ratios: 0 faster, [1-9]\d* slower/],
    ['better ratios', 2, 1, 0, /ratios: [1-9]\d* faster, 0 slower/],
    ['worse times alone', 1, 10, 0, /ratios: 0 faster, 0 slower/],
  ])('%s', async (_, ratioTimes, nsTimes, exit, verdict) => {
    writeRecord('new.json', scaled(FULL, ratioTimes, nsTimes));
    const gated = await bench(['--compare', 'old.json', 'new.json', '--ci']);
    expect(gated.stdout).toMatch(verdict);
    expect(gated.code).toBe(exit);
    expect((await bench(['--compare', 'old.json', 'new.json'])).code).toBe(0);
  });

  test('--ci fails on a row that failed, and when there is nothing to compare', async () => {
    const [first, ...others] = FULL.rows;
    const failed: Report = { ...FULL, rows: [{ ...first!, verdict: 'failed' }, ...others] };
    const renamed: Report = { ...FULL, rows: FULL.rows.map((row) => ({ ...row, id: `${row.id}0` })) };
    for (const [now, complaint] of [
      [failed, `failed, and did not in the record: ${first!.id} ${first!.case}`],
      [renamed, 'no ratio can be compared with the record'],
    ] as const) {
      writeRecord('new.json', now);
      const { code, stderr } = await bench(['--compare', 'old.json', 'new.json', '--ci']);
      expect([code, stderr]).toEqual([1, `bench: --ci: ${complaint}\n`]);
    }
  });

  test('one of another version of the schema is refused in one line', async () => {
    writeFileSync(join(scratch, 'next.json'), JSON.stringify({ ...FULL, schema: 2 }));
    const { code, stdout, stderr } = await bench(['--compare', 'old.json', 'next.json', '--ci']);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(
      /^bench: --compare next\.json: schema: expected version 1, got version 2; [^\n]+\n$/,
    );
  });
});

describe('files', () => {
  test('a folder that is not there is refused before anything runs', async () => {
    const { code, stderr, stdout } = await bench(['--quick', '--filter', FAST, '--json', 'nowhere/a.json']);
    expect(code).toBe(1);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).toContain('--json nowhere/a.json');
    expect(stdout).toBe('');
  });

  test('a file as a folder is refused before anything runs', async () => {
    const { code, stderr, stdout } = await bench(['--quick', '--filter', FAST, '--json', 'a.json/b.json']);
    expect(code).toBe(1);
    expect(stderr).toContain('--json a.json/b.json');
    expect(stdout).toBe('');
  });

  test.skipIf(!canMount())(
    'a full disk gives one line, no half-written file, and the outputs elsewhere (skipped where tmpfs cannot be mounted)',
    async () => {
      const disk = join(scratch, 'disk');
      using _disk = smallDisk(disk, 4);
      writeFileSync(join(disk, 'full'), Buffer.alloc(4096));
      const { code, stderr } = await bench(
        `--quick --filter ${FAST} --json disk/a.json --html elsewhere.html`.split(' '),
      );
      expect(code).toBe(1);
      expect(stderr).toMatch(/bench: --json disk\/a\.json: ENOSPC/);
      expect(readdirSync(disk)).toEqual(['full']);
      expect(readFileSync(join(scratch, 'elsewhere.html'), 'utf8')).toMatch(/^<!doctype html>/i);
    },
  );

  test.each([
    ['not JSON', '{', /--compare bad\.json/],
    ['another schema', '{"schema": 99, "environment": {}, "rows": []}', /schema/],
  ])('a record that is %s is refused in one line', async (_name, content, message) => {
    writeFileSync(join(scratch, 'bad.json'), content);
    const { code, stderr } = await bench(['--quick', '--filter', FAST, '--compare', 'bad.json']);
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});

describe('services', () => {
  test('a given URL that nothing answers exits with 1, names the host and hides the password', async () => {
    const { code, stderr } = await bench(['--quick', '--filter', 'K1'], {
      env: { REDIS_URL: 'redis://user:hunter2@127.0.0.1:1/0' },
    });
    expect(code).toBe(1);
    expect(stderr).toContain('127.0.0.1');
    expect(stderr).not.toContain('hunter2');
  });

  test('a service that cannot be had leaves its cases out, loudly, and exits with 3', async () => {
    const empty = join(scratch, 'empty');
    mkdirSync(empty, { recursive: true });
    const { code, stdout } = await bench(['--quick', '--filter', 'memory over Redis', '--filter', FAST], {
      env: {
        PATH: empty,
        HOME: empty,
        XDG_CACHE_HOME: join(empty, 'cache'),
        REDIS_SERVER_BIN: '',
        REDIS_URL: '',
      },
    });
    expect(code).toBe(3);
    expect(stdout).toContain('fib(20)');
    expect(stdout).toMatch(/left out/i);
    expect(stdout).toContain('REDIS_URL');
  });
});
