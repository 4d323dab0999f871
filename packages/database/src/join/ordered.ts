import type { NestPlan } from './spec.ts';

/** A level of the plan with a number, which the names of its variables end in. */
export interface Level {
  readonly id: number;
  readonly plan: NestPlan;
  readonly name: string;
  readonly many: boolean;
  readonly below: readonly Level[];
}

export function numberLevels(plan: NestPlan, name: string, many: boolean, levels: Level[]): Level {
  const below: Level[] = [];
  const level: Level = { id: levels.length, plan, name, many, below };
  levels.push(level);
  for (const child of plan.children) below.push(numberLevels(child.plan, child.name, child.many, levels));
  return level;
}

/**
 * Whether a key cannot have been seen. Numbers compare as numbers. Texts that begin with a digit compare by length first:
 * that orders whole numbers in text, as bigint columns come, and whatever is of one length (dates, uuids); other texts compare
 * by their characters. Any strict order is as right as another: one that the rows are not in only costs the second pass.
 */
export const BEYOND = `const isKey = (a) => typeof a === 'number' || typeof a === 'string';
const digit = (a) => { const c = a.charCodeAt(0); return c >= 48 && c <= 57; };
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

export const text = (value: string): string => JSON.stringify(value);

/** A literal of the level's object, of expressions of its columns; lists below it are in variables `list<id>`. */
export function literal(level: Level, valueOf: (column: string) => string): string {
  const members = level.plan.fields.map(([name, column]) => {
    const value = typeof column === 'string' ? valueOf(column) : `[${column.map(valueOf).join(', ')}]`;
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

/** How the rows' columns are read, which is all that differs between a fold of rows and one of what the server sends. */
export interface Columns {
  /** An expression of a column's value. */
  readonly value: (column: string) => string;
  /** An expression of a key column's value; `name` ends the names of its variables. */
  key(column: string, name: string, level: Level): string;
  /** Statements for a key that differs from the last one, once that is known to be in order. */
  remember(column: string, name: string, level: Level): string;
  /** Statements that make the next key differ from the last one. */
  forget(level: Level): string;
}

/** The variables that the ordered fold keeps from row to row. */
export function orderedState(root: Level, levels: readonly Level[]): string {
  const variables = levels.flatMap(({ id, plan }) => [
    `list${id}`,
    `node${id}`,
    ...plan.key.map((_, at) => `last${id}_${at}`),
    `direction${id} = 0`,
  ]);
  return `let ${variables.join(', ')};
  list${root.id} = [];`;
}

/** What the ordered fold does with one row; `giveUp` is the statement for a row that is out of order. */
export function orderedLevel(
  level: Level,
  parent: Level | undefined,
  columns: Columns,
  giveUp: string,
): string {
  const { id, plan, below } = level;
  const keys = plan.key.map((column, at) => ({
    key: `key${id}_${at}`,
    last: `last${id}_${at}`,
    name: `${id}_${at}`,
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
  const forget = below.map((child) => `last${child.id}_0 = undefined; ${columns.forget(child)}`).join(' ');
  // One object only, where a second key is an error.
  const next = level.many
    ? `if (${direction} === 0) ${direction} = ${keys
        .map(({ key, last }) => `${key} !== ${last} && isKey(${key}) ? orderOf(${key}, ${last}) : `)
        .join('')}1;
        if (!(${inOrder})) ${giveUp}`
    : giveUp;
  const value = (column: string): string => {
    const at = plan.key.indexOf(column);
    return at < 0 ? columns.value(column) : `key${id}_${at}`;
  };
  return `level${id}: {
    ${keys.map(({ key, column, name }) => `const ${key} = ${columns.key(column, name, level)};`).join(' ')}
    if (${first} === undefined || ${differs}) {
      if (${isNull}) ${parent === undefined ? giveUp : `break level${id};`}
      if (${first} === undefined) {
        if (!(${keys.map(({ key }) => `isKey(${key})`).join(' && ')})) ${giveUp}
      } else {
        ${next}
      }
      ${keys.map(({ key, last, column, name }) => `${last} = ${key}; ${columns.remember(column, name, level)}`).join(' ')}
      ${below
        .filter((child) => child.many)
        .map((child) => `list${child.id} = [];`)
        .join(' ')}
      node${id} = ${literal(level, value)};
      ${attach}
      ${forget}
    }
    ${below.map((child) => orderedLevel(child, level, columns, giveUp)).join('\n')}
  }`;
}
