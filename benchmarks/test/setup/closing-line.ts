import type { Reporter, TestModule } from 'vitest/node';

/**
 * Prints `N passed, N failed, N skipped` as the last line, for programs that count the tests of a run; before it each test that
 * passed at a second try only.
 */
export default class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    let passed = 0;
    let failed = unhandledErrors.length;
    let skipped = 0;
    const flaky: string[] = [];
    for (const module of modules) {
      failed += module.errors().length;
      // A hook that throws leaves its tests skipped: the suite itself holds the error.
      for (const suite of module.children.allSuites()) failed += suite.errors().length;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (test.diagnostic()?.flaky === true) flaky.push(`${module.relativeModuleId} > ${test.fullName}`);
        if (state === 'passed') passed++;
        else if (state === 'failed') failed++;
        else skipped++;
      }
    }
    process.once('exit', () => {
      for (const name of flaky) console.log(`flaky, passed at the second try: ${name}`);
      console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
    });
  }
}
