/**
 * D3: the guide's three queries on a million rows: without an index, and after `advise` was asked and `createIndexConcurrently` built
 * what it named. The advice is part of the setup, so a wrong one shows as a ratio of 1.
 */

import type { Case } from '../harness/case.ts';
import {
  ACTIVE_ONE_IN,
  type IndexedQuery,
  QUICK_ROW_COUNT,
  ROW_COUNT,
  indexedQuery,
} from './million-users.ts';

const QUERIES: Readonly<Record<string, IndexedQuery>> = {
  'email =': {
    name: 'email',
    text: (table) => `SELECT id, name, email FROM ${table} WHERE email = $1`,
    values: ['first7.7007@example.com'],
  },
  'name = AND email LIKE': {
    name: 'name_email',
    text: (table) => `SELECT id, name, email FROM ${table} WHERE name = $1 AND email LIKE 'john%'`,
    values: ['name 7'],
  },
  'is_active AND id >': {
    name: 'active',
    text: (table) => `SELECT id, name, email FROM ${table} WHERE is_active AND id > $1`,
    values: [1_000],
  },
};

const cases: readonly Case[] = Object.entries(QUERIES).map(([name, query]): Case => ({
  id: 'D3',
  case: name,
  package: 'database',
  tier: 'guide',
  params: { rows: ROW_COUNT, quickRows: QUICK_ROW_COUNT, activeOneIn: ACTIVE_ONE_IN },
  quickParams: { rows: QUICK_ROW_COUNT },
  guide: { text: '2000 ms → 5 ms (400×)', ratio: 400, basis: 'ratio' },
  needs: ['postgres'],
  async: true,
  settings: `the rows in memory, one in ${ACTIVE_ONE_IN} active; an unlogged table; the server on this machine`,
  limit:
    'A look-up by an index takes as long as a round trip. The guide’s scan of 2 s reads from a disk; from memory, by parallel workers, it takes some tens of milliseconds, and a quick run’s quarter of the rows a quarter of that.',
  variants: {
    naive: indexedQuery('naive', false, query),
    ours: indexedQuery('ours', true, query),
  },
}));

export default cases;
