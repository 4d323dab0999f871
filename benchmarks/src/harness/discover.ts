/** Finds the case files that were built and checks what they export. */

import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Case, Tier } from './case.ts';

export interface LoadedCase {
  readonly case: Case;
  /** URL of the compiled case file. */
  readonly file: string;
}

const DIST = new URL('../', import.meta.url);
const SOURCES = new URL('../../src/', import.meta.url);
const SUFFIX = '.bench.js';
const SEVERITY: readonly Tier[] = ['guide', 'peers', 'plain', 'all'];

/** `M2 1000 x 64 KiB`: what a case is called on the command line. */
export function nameOf(definition: Pick<Case, 'id' | 'case'>): string {
  return `${definition.id} ${definition.case}`;
}

function check(definition: Case, file: string): void {
  const kinds = Object.values(definition.variants).map(({ kind }) => kind);
  if (!kinds.includes('ours') || kinds.length < 2) {
    throw new TypeError(`${file}: ${nameOf(definition)} needs a variant of ours and another one`);
  }
}

function compare(a: LoadedCase, b: LoadedCase): number {
  const byTier = SEVERITY.indexOf(a.case.tier) - SEVERITY.indexOf(b.case.tier);
  return order(a.case.id) - order(b.case.id) || byTier;
}

/** The guide's own order of rows: memory, cpu, I/O, database, cache, measuring, the whole. */
function order(id: string): number {
  const chapter = 'MCIDKBW'.indexOf(id[0] ?? '');
  return (chapter === -1 ? 99 : chapter) * 100 + Number(id.slice(1));
}

/**
 * Imports every compiled case file whose source is still there: the compiler leaves what it made of one that was removed or renamed.
 *
 * @throws TypeError when a case is incomplete or two have the same name.
 */
export async function discoverCases(compiled: URL = DIST, sources: URL = SOURCES): Promise<LoadedCase[]> {
  const files = readdirSync(fileURLToPath(compiled), { recursive: true, encoding: 'utf8' })
    .filter(
      (path) => path.endsWith(SUFFIX) && existsSync(new URL(path.slice(0, -'js'.length) + 'ts', sources)),
    )
    .sort();
  const found: LoadedCase[] = [];
  const names = new Set<string>();
  for (const path of files) {
    const file = new URL(path, compiled).href;
    const { default: cases } = (await import(file)) as { default: readonly Case[] };
    for (const definition of cases) {
      check(definition, path);
      const name = nameOf(definition);
      if (names.has(name)) throw new TypeError(`${path}: there is another case called ${name}`);
      names.add(name);
      found.push({ case: definition, file });
    }
  }
  return found.sort(compare);
}
