/** Which cases a command line asks for. Pure. */

import { closest, distance } from 'fastest-levenshtein';
import type { Case, PackageName, Tier } from './case.ts';

export interface Selection {
  /** Which tiers run when nothing is named. */
  readonly tiers: readonly Tier[];
  /** Ids (`I2`), full names (`I2 1000 lines`) or parts of them (`1000 lines`); any may match. */
  readonly filters: readonly string[];
  readonly packages: readonly string[];
}

export const PACKAGES: readonly PackageName[] = [
  'memory',
  'cpu',
  'io',
  'database',
  'cache',
  'profile',
  'benchmarks',
];

/** The command line asks for something that is not there. */
export class SelectionError extends Error {
  override readonly name = 'SelectionError';
  readonly code = 'ERR_HOTPATH_BENCHMARKS_SELECTION';
}

type Named = Pick<Case, 'id' | 'case' | 'package' | 'tier'>;

const label = ({ id, case: caseName }: Named): string => `${id} ${caseName}`;

function suggest(wanted: string, candidates: readonly string[]): string {
  const contained = candidates.filter((name) => name.toLowerCase().includes(wanted.toLowerCase()));
  const near = [
    ...new Set([...contained, ...candidates.filter((name) => distance(wanted, name) <= 2)]),
  ].slice(0, 5);
  return near.length > 0 ? near.join(', ') : closest(wanted, [...candidates]);
}

/** An id matches whole (`C1` is not `C10`), and so does a name that a case has; anything else matches as a part of a name. */
function matching<T>(entries: readonly T[], of: (entry: T) => Named, filter: string): readonly T[] {
  const wanted = filter.toLowerCase();
  if (/^[a-z]\d+$/.test(wanted)) return entries.filter((entry) => of(entry).id.toLowerCase() === wanted);
  const named = entries.filter((entry) => label(of(entry)).toLowerCase() === wanted);
  if (named.length > 0) return named;
  return entries.filter((entry) => label(of(entry)).toLowerCase().includes(wanted));
}

/**
 * The cases to run, in the order given. A filter reaches cases of every tier; without one the tiers decide.
 *
 * @throws SelectionError when a filter or a package matches nothing; its message names the near matches.
 */
export function selectCases<T>(entries: readonly T[], of: (entry: T) => Named, selection: Selection): T[] {
  const { filters, packages, tiers } = selection;
  for (const name of packages) {
    if (!(PACKAGES as readonly string[]).includes(name)) {
      throw new SelectionError(`no package is called "${name}": did you mean ${suggest(name, PACKAGES)}?`);
    }
  }
  const inPackages = entries.filter((entry) => packages.length === 0 || packages.includes(of(entry).package));
  const chosen = new Set<T>();
  for (const filter of filters) {
    if (filter.trim() === '') throw new SelectionError('--filter: expected an id or a text, got nothing');
    const found = matching(inPackages, of, filter);
    for (const entry of found) chosen.add(entry);
    if (found.length > 0) continue;
    const candidates = inPackages.flatMap((entry) => [label(of(entry)), ...label(of(entry)).split(' ')]);
    const hint =
      candidates.length === 0 ? '' : `: did you mean ${suggest(filter, [...new Set(candidates)])}?`;
    throw new SelectionError(`no case matches "${filter}"${hint} (--list names them all)`);
  }
  return inPackages.filter((entry) =>
    filters.length === 0 ? tiers.includes(of(entry).tier) : chosen.has(entry),
  );
}
