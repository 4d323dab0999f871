import { adopt, isLeafList } from './adopt.ts';
import type { OrderedFold } from './compile-wire.ts';
import {
  BEYOND,
  type Columns,
  type Level,
  literal,
  numberLevels,
  orderedLevel,
  orderedState,
  text,
} from './ordered.ts';
import { type NestPlan, compositeKey, noRootKey, objectKey, secondOne } from './spec.ts';

/**
 * Folds rows. With `made`, what the rows before them were folded to, of which there were `before`: then it goes on from there.
 */
export type CompiledFold = (rows: readonly object[], made?: OrderedFold, before?: number) => object[];

/**
 * Compiles a plan to two functions without loops over fields or levels.
 *
 * `ordered` is tried first. Rows of a JOIN mostly come ordered by their keys, and where a key is beyond the last one, as all
 * before it were, it cannot have been seen: the object is new and nothing is looked up or remembered. All state is a few
 * local variables. For `users ⟕ posts`:
 *
 * ```
 * for each row
 *   a = row.user_id
 *   if a ≠ last0: a must be beyond last0, or give up
 *     users.push({…, posts: list1 = []}); last0 = a; last1 = none
 *   b = row.post_id; if b is null: next row
 *   if b ≠ last1: b must be beyond last1 (or last1 none), or give up
 *     list1.push({…}); last1 = b
 * ```
 *
 * The first key out of order (or no number or text, or missing where it may not be) makes it give up, and `unordered` starts
 * over with a Map of the objects at each level, which is right for rows in any order and the one that reports errors. "Beyond"
 * is up or down, whichever way the first two keys of the level went.
 *
 * Time: O(rows × levels). Memory beside the result: none ordered, an entry an object unordered.
 *
 * @returns `undefined` where code may not be made of strings.
 */
export function compile(plan: NestPlan): CompiledFold | undefined {
  const levels: Level[] = [];
  const root = numberLevels(plan, '', true, levels);
  const entriesOf = (made: OrderedFold): Map<unknown, object> => adopt(root, made, SeenKeys);
  const given = { SeenKeys, objectKey, compositeKey, noRootKey, secondOne, entriesOf };
  try {
    // oxlint-disable-next-line typescript/no-implied-eval -- names and columns are JSON strings, everything else is ours
    return new Function(...Object.keys(given), sourceOf(root, levels))(
      ...Object.values(given),
    ) as CompiledFold;
  } catch {
    return undefined;
  }
}

function sourceOf(root: Level, levels: readonly Level[]): string {
  return `'use strict';
${BEYOND}
${orderedSource(root, levels)}
${unorderedSource(root, levels)}
return (rows, made, before) => made === undefined
  ? ordered(rows) ?? unordered(rows, 0, [], new Map())
  : unordered(rows, before, made.list, entriesOf(made));`;
}

/** Keys below one parent, out of order: a short list is looked through, a longer one becomes a Set. */
class SeenKeys {
  readonly #few: unknown[] = [];
  #many: Set<unknown> | undefined;

  /** False when it was there already. */
  add(key: unknown): boolean {
    if (this.#many !== undefined) {
      if (this.#many.has(key)) return false;
      this.#many.add(key);
      return true;
    }
    if (this.#few.includes(key)) return false;
    // From about this length on, a Set is faster to ask than a list.
    if (this.#few.push(key) > 16) this.#many = new Set(this.#few);
    return true;
  }
}

/** Of rows that are objects. */
const OBJECTS: Columns = {
  value: (column) => `r[${text(column)}]`,
  key: (column) => `r[${text(column)}]`,
  remember: () => '',
  forget: () => '',
};

function orderedSource(root: Level, levels: readonly Level[]): string {
  return `const ordered = (rows) => {
  ${orderedState(root, levels)}
  for (let i = 0; i < rows.length; i++) {
    const r = rows[i];
    ${orderedLevel(root, undefined, OBJECTS, 'return undefined;')}
  }
  return list${root.id};
};`;
}

function unorderedSource(root: Level, levels: readonly Level[]): string {
  const makers = levels.map((level) => {
    const lists = level.below.filter((child) => child.many).map((child) => `const list${child.id} = [];`);
    const state = level.below.map((child) => {
      const list = child.many ? `, list${child.id}` : '';
      return isLeafList(child)
        ? `${list}, seen${child.id}: undefined`
        : `${list}, entries${child.id}: undefined`;
    });
    if (isLeafList(level)) return `const make${level.id} = (r) => (${literal(level, OBJECTS.value)});`;
    return `const make${level.id} = (r) => { ${lists.join(' ')} return { node: ${literal(level, OBJECTS.value)}${state.join('')} }; };`;
  });
  return `${makers.join('\n')}
const unordered = (rows, before, list, entries) => {
  let last, entry${root.id};
  for (let i = 0; i < rows.length; i++) {
    const r = rows[i];
    ${readKey(root, `throw noRootKey(before + i, ${JSON.stringify(root.plan.key)});`)}
    if (entry${root.id} === undefined || key${root.id} !== last) {
      last = key${root.id};
      entry${root.id} = entries.get(last);
      if (entry${root.id} === undefined) {
        entry${root.id} = make${root.id}(r);
        entries.set(last, entry${root.id});
        list.push(entry${root.id}.node);
      }
    }
    ${root.below.map((child) => unorderedLevel(child, root)).join('\n')}
  }
  return list;
};`;
}

function unorderedLevel(level: Level, parent: Level): string {
  const { id } = level;
  if (isLeafList(level)) {
    const seen = `entry${parent.id}.seen${id}`;
    return `level${id}: {
    ${readKey(level, `break level${id};`)}
    if (${seen} === undefined) ${seen} = new SeenKeys();
    if (${seen}.add(key${id})) entry${parent.id}.list${id}.push(make${id}(r));
  }`;
  }
  const entries = `entry${parent.id}.entries${id}`;
  const attach = level.many
    ? `entry${parent.id}.list${id}.push(entry${id}.node);`
    : `if (${entries}.size > 0) throw secondOne(before + i, ${text(level.plan.path)});
      entry${parent.id}.node[${text(level.name)}] = entry${id}.node;`;
  return `level${id}: {
    ${readKey(level, `break level${id};`)}
    if (${entries} === undefined) ${entries} = new Map();
    let entry${id} = ${entries}.get(key${id});
    if (entry${id} === undefined) {
      entry${id} = make${id}(r);
      ${attach}
      ${entries}.set(key${id}, entry${id});
    }
    ${level.below.map((child) => unorderedLevel(child, level)).join('\n')}
  }`;
}

/** Reads the level's key into `key<id>`; `absent` is what to do without one. */
function readKey(level: Level, absent: string): string {
  const { id, plan } = level;
  const columns = plan.key.map((column) => `r[${text(column)}]`);
  if (columns.length === 1) {
    return `let key${id} = ${columns[0]!};
    if (key${id} === null || key${id} === undefined) ${absent}
    if (typeof key${id} === 'object') key${id} = objectKey(key${id});`;
  }
  const isAbsent = columns.map((column) => `${column} === null || ${column} === undefined`).join(' || ');
  return `if (${isAbsent}) ${absent}
    const key${id} = compositeKey([${columns.join(', ')}]);`;
}
