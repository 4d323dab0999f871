import { readFileSync } from 'node:fs';
import * as whole from '@hotpath/memory';
import { expect, test } from 'vitest';

test('each feature alone gives the very things that the whole package gives, and all of them together all', async () => {
  const { exports } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    readonly exports: Record<string, unknown>;
  };
  const features = Object.keys(exports).filter((path) => path !== '.' && path !== './package.json');
  expect(features).toHaveLength(6);
  const together: Record<string, unknown> = {};
  for (const path of features) {
    const feature = (await import(`@hotpath/memory${path.slice(1)}`)) as Record<string, unknown>;
    Object.assign(together, feature);
  }
  expect(together).toEqual({ ...whole });
});
