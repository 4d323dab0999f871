import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import LongestFirst from './benchmarks/test/setup/longest-first.ts';

/**
 * What waits for servers, browsers or collections gets a second try in CI, so that one busy moment of a shared machine does not
 * cost a whole run. The closing lines name each test that needed it: a defect all the same, of the test or of the code.
 */
const BUSY = { retry: process.env['CI'] === undefined ? 0 : 1 };

/** Every kind of test is one project, chosen by the file's suffix; each kind brings the flags that it needs. */
function kind(name: string, suffix: string, options: object = {}): object {
  return {
    extends: true,
    test: {
      name,
      include: [`packages/*/test/**/*.${suffix}.ts`, `benchmarks/test/**/*.${suffix}.ts`],
      ...options,
    },
  };
}

const SPECIAL = ['model', 'leak', 'stress', 'int', 'e2e'];

export default defineConfig({
  test: {
    globalSetup: ['benchmarks/test/setup/build.ts'],
    setupFiles: ['benchmarks/test/setup/patience.ts'],
    reporters: ['default', './benchmarks/test/setup/closing-line.ts'],
    sequence: { sequencer: LongestFirst },
    passWithNoTests: false,
    // For a machine that does other work: none of the tests of a kind without a limit of its own takes a second when it has none.
    testTimeout: 30_000,
    // By default one core stays idle, and of two that is half; most tests wait for a server anyway.
    maxWorkers: Math.max(2, availableParallelism()),
    // The tests run what is published: the compiled packages, loaded by Node itself, not transformed by vite.
    server: { deps: { external: [/\/dist\//] } },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['packages/*/test/**/*.test.ts', 'benchmarks/test/**/*.test.ts'],
          exclude: SPECIAL.map((suffix) => `**/*.${suffix}.test.ts`),
        },
      },
      kind('model', 'model.test', { testTimeout: 60_000 }),
      {
        extends: true,
        test: {
          // The kernels on a processor without SIMD: V8 takes it away on x64, elsewhere the flags change nothing.
          name: 'simd-off',
          include: [
            'packages/cpu/test/kernel-elementwise.model.test.ts',
            'packages/cpu/test/kernel-oracles.model.test.ts',
            'packages/cpu/test/parallel-kernel.test.ts',
          ],
          pool: 'forks',
          execArgv: ['--no-enable-sse4-1', '--no-enable-ssse3'],
          testTimeout: 60_000,
        },
      },
      kind('leak', 'leak.test', {
        ...BUSY,
        pool: 'forks',
        execArgv: ['--expose-gc'],
        testTimeout: 60_000,
        fileParallelism: false,
      }),
      kind('stress', 'stress.test', { pool: 'forks', testTimeout: 120_000, fileParallelism: false }),
      kind('integration', 'int.test', {
        ...BUSY,
        pool: 'forks',
        globalSetup: ['benchmarks/test/setup/services.ts'],
        testTimeout: 60_000,
        hookTimeout: 60_000,
      }),
      kind('e2e', 'e2e.test', { ...BUSY, pool: 'forks', testTimeout: 120_000, hookTimeout: 120_000 }),
      {
        extends: true,
        test: {
          name: 'types',
          include: [],
          typecheck: {
            enabled: true,
            only: true,
            checker: 'tsc',
            include: ['packages/*/test/**/*.test-d.ts', 'benchmarks/test/**/*.test-d.ts'],
            tsconfig: 'benchmarks/test/setup/tsconfig.types.json',
          },
        },
      },
    ],
  },
});
