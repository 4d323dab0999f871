import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { expect, test } from 'vitest';

import { discoverCases } from '../../dist/harness/discover.js';

const CASE = `export default [{ id: 'C1', case: 'one', tier: 'all', variants: { ours: { kind: 'ours' }, naive: { kind: 'naive' } } }];`;

test('a compiled case file whose source was renamed is not taken for a second case of the same name', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'discover-'));
  try {
    for (const name of ['src', 'dist']) mkdirSync(join(folder, name));
    writeFileSync(join(folder, 'src', 'new.bench.ts'), '');
    for (const name of ['old', 'new']) writeFileSync(join(folder, 'dist', `${name}.bench.js`), CASE);
    const url = (name: string): URL => pathToFileURL(join(folder, name) + '/');
    expect((await discoverCases(url('dist'), url('src'))).map(({ file }) => file)).toEqual([
      new URL('new.bench.js', url('dist')).href,
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
