import type { Fold } from './interpret.ts';
import { type NestPlan, compositeKey, noRootKey, objectKey, secondOne } from './spec.ts';

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
export function compile(plan: NestPlan): Fold | undefined {
  try {
    // oxlint-disable-next-line typescript/no-implied-eval -- names and columns are JSON strings, everything else is ours
    return new Function('SeenKeys', 'objectKey', 'compositeKey', 'noRootKey', 'secondOne', sourceOf(plan))(
      SeenKeys,
      objectKey,
      compositeKey,
      noRootKey,
      secondOne,
    ) as Fold;
  } catch {
    return undefined;
  }
}

/** The functions' source; exported for those who want to read it. */
export function sourceOf(plan: NestPlan): string {
  const levels: Level[] = [];
  const root = number(plan, '', true, levels);
  return `'use strict';
${BEYOND}
const isKey = (a) => typeof a === 'number' || typeof a === 'string';
${orderedSource(root, levels)}
${unorderedSource(root, levels)}
return (rows) => ordered(rows) ?? unordered(rows);`;
}

/** A level of the plan with a number, which the names of its variables end in. */
interface Level {
  readonly id: number;
  readonly plan: NestPlan;
  readonly name: string;
  readonly many: boolean;
  readonly below: readonly Level[];
}

function number(plan: NestPlan, name: string, many: boolean, levels: Level[]): Level {
  const below: Level[] = [];
  const level: Level = { id: levels.length, plan, name, many, below };
  levels.push(level);
  for (const child of plan.children) below.push(number(child.plan, child.name, child.many, levels));
  return level;
}

/**
 * Whether a key cannot have been seen. Numbers compare as numbers. Texts that begin with a digit compare by length first:
 * that orders whole numbers in text, as bigint columns come, and whatever is of one length (dates, uuids); other texts compare
 * by their characters. Any strict order is as right as another: one that the rows are not in only costs the second pass.
 */
const BEYOND = `const digit = (a) => { const c = a.charCodeAt(0); return c >= 48 && c <= 57; };
const orderOf = (a, b) => {
  if (typeof a === 'number') return a > b ? 1 : -1;
  if (!digit(a)) return a > b ? 1 : -1;
  return (a.length === b.length ? a > b : a.length > b.length) ? 2 : -2;
};
const beyond = (a, b, order) => {
  if (typeof a === 'number') return typeof b === 'number' && (order > 0 ? a > b : a < b);
  if (typeof a !== 'string' || typeof b !== 'string') return false;
  if ((order === 2 || order === -2) && a.length !== b.length) return order > 0 === a.length > b.length;
  return order > 0 ? a > b : a < b;
};`;

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

const text = (value: string): string => JSON.stringify(value);

/** A literal of the level's object; lists below it are in variables `list<id>`. */
function literal(level: Level): string {
  const members = level.plan.fields.map(([name, column]) => {
    const value =
      typeof column === 'string'
        ? `r[${text(column)}]`
        : `[${column.map((one) => `r[${text(one)}]`).join(', ')}]`;
    return `${memberName(name)}: ${value}`;
  });
  for (const child of level.below) {
    members.push(`${memberName(child.name)}: ${child.many ? `list${child.id}` : 'null'}`);
  }
  return `{ ${members.join(', ')} }`;
}

/** `__proto__` is an ordinary member only when it is computed. */
function memberName(name: string): string {
  return name === '__proto__' ? `['__proto__']` : text(name);
}

function orderedSource(root: Level, levels: readonly Level[]): string {
  const variables = levels.flatMap(({ id, plan }) => [
    `list${id}`,
    `node${id}`,
    ...plan.key.map((_, at) => `last${id}_${at}`),
  ]);
  return `const ordered = (rows) => {
  let ${variables.join(', ')};
  let ${levels.map(({ id }) => `direction${id} = 0`).join(', ')};
  list${root.id} = [];
  for (let i = 0; i < rows.length; i++) {
    const r = rows[i];
    ${orderedLevel(root, undefined)}
  }
  return list${root.id};
};`;
}

function orderedLevel(level: Level, parent: Level | undefined): string {
  const { id, plan, below } = level;
  const keys = plan.key.map((column, at) => ({
    key: `key${id}_${at}`,
    last: `last${id}_${at}`,
    column,
  }));
  const isNull = keys.map(({ key }) => `${key} === null || ${key} === undefined`).join(' || ');
  const differs = keys.map(({ key, last }) => `${key} !== ${last}`).join(' || ');
  const direction = `direction${id}`;
  // Lexicographic: the first of the columns that differs decides.
  const inOrder = keys
    .map(({ key, last }, at) => {
      const equal = keys.slice(0, at).map((before) => `${before.key} === ${before.last} && `);
      return `(${equal.join('')}beyond(${key}, ${last}, ${direction}))`;
    })
    .join(' || ');
  const first = `last${id}_0`;
  const attach =
    parent === undefined || level.many
      ? `list${id}.push(node${id});`
      : `node${parent.id}[${text(level.name)}] = node${id};`;
  const forget = below.map((child) => `last${child.id}_0 = undefined;`).join(' ');
  // One object only, where a second key is an error.
  const next = level.many
    ? `if (${direction} === 0) ${direction} = ${keys
        .map(({ key, last }) => `${key} !== ${last} && isKey(${key}) ? orderOf(${key}, ${last}) : `)
        .join('')}1;
        if (!(${inOrder})) return undefined;`
    : 'return undefined;';
  return `level${id}: {
    ${keys.map(({ key, column }) => `const ${key} = r[${text(column)}];`).join(' ')}
    if (${first} === undefined || ${differs}) {
      ${parent === undefined ? '' : `if (${isNull}) break level${id};`}
      if (${first} === undefined) {
        if (!(${keys.map(({ key }) => `isKey(${key})`).join(' && ')})) return undefined;
      } else {
        ${next}
      }
      ${keys.map(({ key, last }) => `${last} = ${key};`).join(' ')}
      ${below
        .filter((child) => child.many)
        .map((child) => `list${child.id} = [];`)
        .join(' ')}
      node${id} = ${literal(level)};
      ${attach}
      ${forget}
    }
    ${below.map((child) => orderedLevel(child, level)).join('\n')}
  }`;
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
    if (isLeafList(level)) return `const make${level.id} = (r) => (${literal(level)});`;
    return `const make${level.id} = (r) => { ${lists.join(' ')} return { node: ${literal(level)}${state.join('')} }; };`;
  });
  return `${makers.join('\n')}
const unordered = (rows) => {
  const list = [], entries = new Map();
  let last, entry${root.id};
  for (let i = 0; i < rows.length; i++) {
    const r = rows[i];
    ${readKey(root, `throw noRootKey(i, ${JSON.stringify(root.plan.key)});`)}
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

/** Objects of this level are pushed and never needed again. The root always has entries. */
function isLeafList(level: Level): boolean {
  return level.id > 0 && level.many && level.below.length === 0;
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
    : `if (${entries}.size > 0) throw secondOne(i, ${text(level.plan.path)});
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
