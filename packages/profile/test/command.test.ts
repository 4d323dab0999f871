import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { readArguments, UsageError } from '../dist/cli/arguments.js';
import { finishCpu } from '../dist/cli/output.js';
import { topTable } from '../dist/cli/table.js';
import { node, profileOf } from './v8-profiles.ts';

const BIN = fileURLToPath(new URL('../bin/hotpath-profile.js', import.meta.url));
const PROGRAM = fileURLToPath(new URL('fixtures/program.js', import.meta.url));
const LEAKY = fileURLToPath(new URL('fixtures/leaky.js', import.meta.url));
const HOLDS_THE_LOOP = fileURLToPath(new URL('fixtures/holds-the-loop.js', import.meta.url));
const HIDDEN_NAMES = fileURLToPath(new URL('fixtures/hidden-names.cjs', import.meta.url));
const NEVER_LOADS = fileURLToPath(new URL('fixtures/never-loads.js', import.meta.url));

/** A dozen processes start at once: on a machine that does other work, that takes its time. */
const LIMIT_MS = 120_000;

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command; interrupts it so many times, each when the program has told something since the last. */
function command(args: readonly string[], interrupts = 0, as: SpawnOptions = {}): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [BIN, ...args], {
      ...as,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: LIMIT_MS,
    });
    let stdout = '';
    let stderr = '';
    let left = interrupts;
    child.stdout.on('data', (data: Buffer) => {
      if (left-- > 0) setTimeout(() => child.kill('SIGINT'), 300);
      stdout += data.toString();
    });
    child.stderr.on('data', (data: Buffer) => {
      stderr += data.toString();
    });
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}

function mayReachInit(): boolean {
  try {
    return process.kill(1, 0);
  } catch {
    return false;
  }
}

describe('the command line', () => {
  test('takes options before and after the program, and what follows -- for it', () => {
    expect(
      readArguments(['run', 'app.js', '--out', 'dir', '--top', '5', '--', '--out', 'its own']),
    ).toMatchObject({
      command: 'run',
      target: 'app.js',
      out: 'dir',
      top: 5,
      rest: ['--out', 'its own'],
      intervalUs: 1000,
    });
    expect(readArguments(['--duration', '0.5', 'attach', '12'])).toMatchObject({
      target: '12',
      durationMs: 500,
    });
    expect(readArguments(['run', '--help'])).toBe('help');
    expect(readArguments([])).toBe('help');
    expect(readArguments(['--version'])).toBe('version');
  });

  test.each([
    [['fly'], 'expected run, heap, attach, leak, got "fly"'],
    [['run'], 'run: what? See --help'],
    [['run', 'a.js', 'b'], 'run: one too many: "b"; arguments of the program go after --'],
    [['run', 'a.js', '--bogus'], "Unknown option '--bogus'; arguments of the program go after --"],
    [['run', 'a.js', '--top', '0'], '--top: expected a number from 1 to 100000, got "0"'],
    [['run', 'a.js', '--top', '1.5'], '--top: expected a whole number, got 1.5'],
    [['run', 'a.js', '--interval-us', ''], '--interval-us: expected a number from 50 to 1000000, got ""'],
    [['run', 'a.js', '--out', ''], '--out: expected the name of a directory'],
  ])('%j is refused', (args, message) => {
    expect(() => readArguments(args)).toThrow(new UsageError(message));
  });
});

test('a table is aligned, tells places from here, and keeps control characters from the terminal', () => {
  const row = { url: 'file:///app/src/a.js', line: 3, column: 7, self: 12.34, selfShare: 0.5, total: 1234 };
  const rows = [
    { ...row, name: 'parse' },
    { ...row, name: '\u001B[31mred', url: 'file:///lib/b.js', self: 1, selfShare: 0.04 },
    { ...row, name: '', url: '', line: 0, column: 0 },
    { ...row, name: 'module', line: 0, column: 0 },
  ];
  expect(topTable(rows, 'ms', 'file:///app/')).toBe(
    [
      ' itself          in all  function',
      '12.3 ms  50.0 %  1.23 s  parse        src/a.js:3:7',
      '   1 ms  4.00 %  1.23 s  ?[31mred     /lib/b.js:3:7',
      '12.3 ms  50.0 %  1.23 s  (anonymous)',
      '12.3 ms  50.0 %  1.23 s  module       src/a.js',
      '',
    ].join('\n'),
  );
});

describe('hotpath-profile', () => {
  let out: string;
  beforeAll(() => {
    out = mkdtempSync(join(tmpdir(), 'hotpath-command-'));
  });
  afterAll(() => {
    rmSync(out, { recursive: true, force: true });
  });

  const files = (folder: string): string[] =>
    readdirSync(join(out, folder)).map((name) => name.slice(name.indexOf('.')));
  const run = (kind: string, behaviour: string, interrupts = 0): Promise<Ended> =>
    command([kind, PROGRAM, '--out', join(out, behaviour + kind), '--', behaviour, 'argument'], interrupts);
  const CPU_FILES = ['.cpuprofile', '.speedscope.json', '.svg'];

  test.concurrent(
    'run writes the profile of a program, prints its table and passes on its arguments',
    async () => {
      const { code, stdout, stderr } = await run('run', 'ends');
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toContain('started ends argument');
      expect(stdout).toMatch(/ ms +[\d.]+ % +[\d.]+ ms  \w+ +node:internal\/crypto\/hash:\d+:\d+/);
      expect(files('endsrun')).toEqual(CPU_FILES);
      const [profile] = readdirSync(join(out, 'endsrun'));
      expect(JSON.parse(readFileSync(join(out, 'endsrun', profile!), 'utf8'))).toHaveProperty('timeDeltas');
    },
    LIMIT_MS,
  );

  test.concurrent.each([
    ['exits', 7, 0, ''],
    ['throws', 1, 0, ''],
    ['waits', 130, 1, ''],
    ['handles', 5, 1, ''],
    // However long it takes.
    ['shutsDown', 6, 1, 'shut down\n'],
    ['ignores', 130, 2, 'ignored\nignored\n'],
    ['countsHandlers', 130, 1, 'handlers: 1\n'],
    ['removesHandlers', 130, 1, ''],
    ['isBusy', 130, 1, ''],
    // Node's own code and warning for it.
    ['neverSettles', 13, 0, ''],
  ])(
    'run writes what there is of a program that %s, and ends with its code',
    async (behaviour, code, interrupts, told) => {
      const ended = await run('run', behaviour, interrupts);
      expect(ended.code).toBe(code);
      expect(ended.stdout).toMatch(`started ${behaviour} argument\n${told}\n`);
      expect(files(`${behaviour}run`)).toEqual(CPU_FILES);
    },
    LIMIT_MS,
  );

  test('a profile with too many changes of stack for speedscope is told without a file for it', async () => {
    const depth = 100;
    const nodes = [node(1, '(root)', [2, depth + 2])];
    for (let id = 2; id < depth + 2; id++) nodes.push(node(id, `f${id}`, id === depth + 1 ? [] : [id + 1]));
    nodes.push(node(depth + 2, '(garbage collector)'));
    const folder = mkdtempSync(join(out, 'long-'));
    const write = (name: string, sampleCount: number): string => {
      const samples = Array.from({ length: sampleCount }, (_, at) => (at % 2 === 0 ? depth + 1 : depth + 2));
      const base = join(folder, name);
      writeFileSync(`${base}.cpuprofile`, JSON.stringify(profileOf(nodes, samples)));
      return base;
    };
    // Each sample ends a stack of 100 or one of 1.
    const long = write('long', 50_000);
    expect(await finishCpu(long, 'long', 5)).toContain(`${long}.cpuprofile\nno .speedscope.json of so long`);
    const short = write('short', 100);
    expect(await finishCpu(short, 'short', 5)).toContain(`${short}.speedscope.json\n`);
    expect(readdirSync(folder).sort()).toEqual([
      'long.cpuprofile',
      'long.svg',
      'short.cpuprofile',
      'short.speedscope.json',
      'short.svg',
    ]);
  });

  test.concurrent(
    'run finds the profile of a program that changes its folder',
    async () => {
      const { code, stderr } = await command(['run', PROGRAM, '--out', 'relative', '--', 'moves'], 0, {
        cwd: out,
      });
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(files('relative')).toEqual(CPU_FILES);
    },
    LIMIT_MS,
  );

  test.concurrent(
    'run says so where the program was killed before anything could be written',
    async () => {
      const { code, stderr } = await run('run', 'dies');
      expect(code).toBe(1);
      expect(stderr).toMatch(/^hotpath-profile: no profile was written: [^\n]+\n$/);
      expect(files('diesrun')).toEqual([]);
    },
    LIMIT_MS,
  );

  test.concurrent(
    'heap tells who allocates',
    async () => {
      const { code, stdout } = await run('heap', 'ends');
      expect(code).toBe(0);
      expect(stdout).toMatch(/KiB allocated, \d+ samples/);
      expect(stdout).toMatch(/ work +/);
      expect(files('endsheap')).toEqual(['.heapprofile', '.svg']);
    },
    LIMIT_MS,
  );

  test.concurrent(
    'leak tells a leak, where it is, and fails',
    async () => {
      const { code, stdout } = await command(['leak', `${LEAKY}#leaks`, '--iterations', '5000']);
      expect(code).toBe(1);
      expect(stdout).toMatch(/^leak: [\d.]+ B a call, 95 % \[/);
      expect(stdout).toContain('fixtures/leaky.js:3:');
    },
    LIMIT_MS,
  );

  test.concurrent.each([
    // On a busy machine a leak may be neither told nor ruled out.
    ['works', [0, 3], /^(no leak|inconclusive): /, /^$/],
    ['throws', [2], /^$/, /^hotpath-profile: failed: Error: its own\n/],
  ])(
    'leak of a function that %s ends, whatever its module has left open',
    async (name, codes, stdout, stderr) => {
      const ended = await command(['leak', `${HOLDS_THE_LOOP}#${name}`]);
      expect(codes).toContain(ended.code);
      expect(ended).toMatchObject({
        signal: null,
        stdout: expect.stringMatching(stdout),
        stderr: expect.stringMatching(stderr),
      });
    },
    LIMIT_MS,
  );

  test.concurrent(
    'leak of a function that never returns is ended by Ctrl-C',
    async () => {
      const ended = await command(['leak', `${LEAKY}#neverReturns`], 1);
      expect(ended).toEqual({ code: null, signal: 'SIGINT', stdout: 'called\n', stderr: '' });
    },
    LIMIT_MS,
  );

  test.concurrent(
    'leak of a function whose module ignores Ctrl-C is ended by it all the same',
    async () => {
      const ended = await command(['leak', `${LEAKY}#ignoresInterrupts`], 1);
      expect(ended).toEqual({ code: 130, signal: null, stdout: 'called\nignored\n', stderr: '' });
    },
    LIMIT_MS,
  );

  test.concurrent(
    'leak finds a function of a CommonJS module whose names Node cannot read',
    async () => {
      const { code, stderr } = await command(['leak', `${HIDDEN_NAMES}#works`]);
      expect(stderr).toBe('');
      expect([0, 3]).toContain(code);
    },
    LIMIT_MS,
  );

  test.concurrent.each([
    [['leak', `${LEAKY}#none`], 2, /exports no function none; it has .*leaks/],
    [['leak', LEAKY], 2, /expected module#export/],
    [['leak', `${LEAKY}#neverSettles`], 2, /leaky\.js#neverSettles returned a promise that never settles/],
    [['leak', `${NEVER_LOADS}#leaks`], 2, /cannot load .*: it awaits a promise that never settles/],
    [['run', '/nowhere/app.js'], 1, /no file \/nowhere\/app\.js/],
    [
      ['run', PROGRAM, '--out', '/dev/null/below'],
      1,
      /cannot make the directory .*: a part of its path is no directory/,
    ],
    [['attach', 'self'], 2, /expected the id of a process/],
    [['attach', '999999999'], 1, /there is no process/],
  ])(
    '%j fails with one clear line',
    async (args, code, message) => {
      const ended = await command(args);
      expect(ended.code).toBe(code);
      expect(ended.stderr).toMatch(message);
      expect(ended.stderr).toMatch(/^hotpath-profile: [^\n]+\n$/);
    },
    LIMIT_MS,
  );

  test(
    'attach to a process of another user says that it may not, whatever this Node can',
    async ({ skip }) => {
      const isRoot = process.getuid?.() === 0;
      // Root may reach every process, so it asks as nobody, who must be able to read this program.
      const nobody = { uid: 65_534, gid: 65_534, cwd: '/' };
      const readsIt = `require('node:fs').accessSync(${JSON.stringify(BIN)})`;
      if (isRoot && spawnSync(process.execPath, ['-e', readsIt], nobody).status !== 0) {
        skip('nobody cannot read this program here');
      }
      if (!isRoot && mayReachInit()) skip('process 1 is our own');
      const { code, stdout, stderr } = await command(['attach', '1'], 0, isRoot ? nobody : {});
      expect({ code, stdout, stderr }).toEqual({
        code: 1,
        stdout: '',
        stderr: 'hotpath-profile: no permission to profile process 1\n',
      });
    },
    LIMIT_MS,
  );

  test(
    'attach needs a WebSocket client, and says from which Node on there is one',
    async ({ skip }) => {
      if (typeof WebSocket !== 'undefined') skip('this Node has one');
      const { code, stderr } = await command(['attach', String(process.pid)]);
      expect(code).toBe(1);
      expect(stderr).toMatch(/^hotpath-profile: attach needs [^\n]*22 or later[^\n]+\n$/);
    },
    LIMIT_MS,
  );

  describe.skipIf(typeof WebSocket === 'undefined')('attach (needs a WebSocket client)', () => {
    let child: ChildProcess;
    let port: number;

    /** A program that works and waits, whose inspector would open at a port of its own. */
    async function begin(behaviour: string, ...flags: readonly string[]): Promise<void> {
      port = await freePort();
      child = spawn(process.execPath, [...flags, `--inspect-port=${port}`, PROGRAM, behaviour], {
        stdio: ['pipe', 'pipe', 'ignore'],
      });
      await once(child.stdout!, 'data');
    }

    async function freePort(): Promise<number> {
      const server = createServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port: free } = server.address() as AddressInfo;
      server.close();
      await once(server, 'close');
      return free;
    }

    function argumentsFor(name: string, { at = port, duration = '0.5' } = {}): string[] {
      const where = ['--port', String(at), '--out', join(out, name)];
      return ['attach', String(child.pid), '--duration', duration, ...where];
    }

    const attach = (name: string, at = port): Promise<Ended> => command(argumentsFor(name, { at }));

    /** Attaches, and does something as soon as it has told anything. */
    async function attachAnd(
      then: (attached: ChildProcess) => void,
      args: readonly string[],
    ): Promise<Ended> {
      const attached = spawn(process.execPath, [BIN, ...args], {
        stdio: ['ignore', 'ignore', 'pipe'],
        timeout: LIMIT_MS,
      });
      let stderr = '';
      attached.stderr.on('data', (data: Buffer) => {
        stderr += data.toString();
      });
      const ended = once(attached, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
      await once(attached.stderr, 'data');
      then(attached);
      const [code, signal] = await ended;
      return { code, signal, stdout: '', stderr };
    }

    const untilInspectorClosed = (): Promise<void> =>
      vi.waitFor(
        () => expect(fetch(`http://127.0.0.1:${port}/json/list`)).rejects.toThrow('fetch failed'),
        10_000,
      );

    afterEach(async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    });

    test(
      'writes the profile of a running process, which goes on with its inspector closed',
      async () => {
        await begin('waits');
        const { code, stdout } = await attach('attached');
        expect(code).toBe(0);
        expect(stdout).toMatch(/ ms +[\d.]+ % +[\d.]+ ms  \w+/);
        expect(files('attached')).toEqual(CPU_FILES);
        await untilInspectorClosed();
        expect([child.exitCode, child.signalCode]).toEqual([null, null]);
      },
      LIMIT_MS,
    );

    test.skipIf(process.platform !== 'linux')(
      'finds an inspector that opens at another port than was said, and closes it',
      async () => {
        await begin('waits');
        const { code, stderr } = await attach('elsewhere', await freePort());
        expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringMatching(/^profiling [^\n]+\n$/) });
        expect(files('elsewhere')).toEqual(CPU_FILES);
        await untilInspectorClosed();
      },
      LIMIT_MS,
    );

    test(
      'waits for a process that is away in a long call, whose inspector opens afterwards, and closes it',
      async () => {
        await begin('isAway');
        const comeBack = (): void => void child.stdin!.end();
        const { code, stderr } = await attachAnd(comeBack, argumentsFor('away'));
        expect({ code, stderr }).toEqual({
          code: 0,
          stderr: expect.stringMatching(/^process \d+ has not opened its inspector yet: [^\n]+\nprofiling /),
        });
        expect(files('away')).toEqual(CPU_FILES);
        await untilInspectorClosed();
      },
      LIMIT_MS,
    );

    test.skipIf(process.platform !== 'linux').each([['--inspect'], ['--title=stopped']])(
      'leaves a process alone that is stopped, with %s',
      async (flag) => {
        await begin('waits', flag);
        child.kill('SIGSTOP');
        const { code, stderr } = await attach('stopped');
        expect(code).toBe(1);
        expect(stderr).toMatch(/^hotpath-profile: process \d+ is stopped[^\n]+\n$/);
        const pending = /^ShdPnd:\s*([\da-f]+)/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))![1]!;
        expect(BigInt(`0x${pending}`)).toBe(0n);
      },
      LIMIT_MS,
    );

    test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
      'ended by %s, it writes what there is and closes the inspector',
      async (signal) => {
        await begin('waits');
        const args = argumentsFor(`ended-by-${signal}`, { duration: '600' });
        const { code } = await attachAnd((attached) => attached.kill(signal), args);
        expect(code).toBe(0);
        expect(files(`ended-by-${signal}`)).toEqual(CPU_FILES);
        await untilInspectorClosed();
      },
      LIMIT_MS,
    );

    test.skipIf(
      process.platform !== 'linux' || !process.allowedNodeEnvironmentFlags.has('--disable-sigusr1'),
    )(
      'does not end a process that leaves SIGUSR1 as it is',
      async () => {
        await begin('waits', '--disable-sigusr1');
        const { code, stderr } = await attach('deaf');
        expect(code).toBe(1);
        expect(stderr).toMatch(
          /^hotpath-profile: process \d+ does not [^\n]+ \(--disable-sigusr1\)[^\n]+\n$/,
        );
        expect([child.exitCode, child.signalCode]).toEqual([null, null]);
      },
      LIMIT_MS,
    );
  });

  test(
    'a full disk is told in one line, and leaves no half file',
    async ({ skip }) => {
      const disk = mkdtempSync(join(tmpdir(), 'hotpath-full-'));
      const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=8k', 'tmpfs', disk]);
      try {
        if (mounted.status !== 0) skip('mounting a small tmpfs needs root');
        const { code, stderr } = await command(['run', PROGRAM, '--out', disk, '--', 'ends']);
        expect(code).toBe(1);
        expect(stderr).toMatch(/cannot write .*(ENOSPC|the disk is full)/);
        // A short profile may have fitted before the disk was full; what is there is whole.
        for (const name of readdirSync(disk)) JSON.parse(readFileSync(join(disk, name), 'utf8'));
      } finally {
        if (mounted.status === 0) spawnSync('umount', [disk]);
        rmSync(disk, { recursive: true, force: true });
      }
    },
    LIMIT_MS,
  );
});
