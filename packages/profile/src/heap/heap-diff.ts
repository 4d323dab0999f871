/** What changed between two snapshots. Pure. */

import { integerOption, objectOption } from '../option-checks.ts';
import type { HeapSnapshot } from './heap-snapshot.ts';
import type { HeapKind } from './snapshot-reader.ts';

/** A constructor's objects, before and after. */
export interface HeapChange {
  readonly name: string;
  readonly countBefore: number;
  readonly countAfter: number;
  readonly countChange: number;
  /** Of the objects themselves, without what they hold. */
  readonly selfBytesBefore: number;
  readonly selfBytesAfter: number;
  readonly selfBytesChange: number;
}

export interface HeapDiff {
  /** Of all objects. */
  readonly countChange: number;
  readonly selfBytesChange: number;
  /** Every constructor of which anything changed: what grew most in bytes first, what shrank most last. */
  readonly changes: readonly HeapChange[];
  /** What grew most, at most `count`, 20 by default; nothing that did not grow, in bytes or in number. */
  top(count?: number): readonly HeapChange[];
}

const DEFAULT_TOP = 20;
const MOST_TOP = 1_000_000;

/**
 * The difference of two snapshots by constructor, in number and in the objects' own bytes; what they hold is counted where
 * it is, under its own name. Linear in the number of constructors.
 *
 * @throws {ArgumentTypeError} an argument is not a snapshot.
 */
export function heapDiff(before: HeapSnapshot, after: HeapSnapshot): HeapDiff {
  const changes = changesBetween(kindsOf('before', before), kindsOf('after', after));
  return {
    countChange: after.count - before.count,
    selfBytesChange: after.selfBytes - before.selfBytes,
    changes,
    top(count = DEFAULT_TOP) {
      integerOption('count', count, 1, MOST_TOP, 'a number of constructors');
      return changes
        .filter(({ selfBytesChange, countChange }) => selfBytesChange > 0 || countChange > 0)
        .slice(0, count);
    },
  };
}

function kindsOf(name: string, snapshot: HeapSnapshot): readonly HeapKind[] {
  objectOption(name, snapshot);
  objectOption(`${name}.kinds`, Array.isArray(snapshot.kinds) ? {} : snapshot.kinds);
  return snapshot.kinds;
}

function changesBetween(before: readonly HeapKind[], after: readonly HeapKind[]): readonly HeapChange[] {
  const earlier = new Map(before.map((kind) => [kind.name, kind]));
  const changes: HeapChange[] = [];
  const add = (name: string, from: HeapKind | undefined, to: HeapKind | undefined): void => {
    const [countBefore, countAfter] = [from?.count ?? 0, to?.count ?? 0];
    const [selfBytesBefore, selfBytesAfter] = [from?.selfBytes ?? 0, to?.selfBytes ?? 0];
    const countChange = countAfter - countBefore;
    const selfBytesChange = selfBytesAfter - selfBytesBefore;
    if (countChange === 0 && selfBytesChange === 0) return;
    changes.push({
      name,
      countBefore,
      countAfter,
      countChange,
      selfBytesBefore,
      selfBytesAfter,
      selfBytesChange,
    });
  };
  for (const kind of after) {
    add(kind.name, earlier.get(kind.name), kind);
    earlier.delete(kind.name);
  }
  for (const kind of earlier.values()) add(kind.name, kind, undefined);
  return changes.sort((a, b) => b.selfBytesChange - a.selfBytesChange || b.countChange - a.countChange);
}
