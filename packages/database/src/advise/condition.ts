/**
 * Reads the conditions of a plan, as the server writes them: `((users.name = $1) AND (users.email ~~ 'john%'::text))`. Pure.
 *
 * The server puts every operation into parentheses, and with VERBOSE every column behind its table's alias, so a conjunction falls
 * apart without knowing any precedence.
 */

import { quoteIdentifier } from '../insert/identifier.ts';
import { type Token, tokenize } from './sql-tokens.ts';

/** A column of a table in the query, or a function of one that an index can be made on. */
export interface ColumnUse {
  readonly alias: string;
  readonly column: string;
  /** `lower(email)` where it is not the column itself. */
  readonly call: 'lower' | 'upper' | undefined;
  /** The type that it is cast to before it is compared. */
  readonly cast: string | undefined;
}

/** How a condition can use an index. */
export type ConditionKind =
  /** `=`, `= ANY`, `IS NULL`, a boolean column: the rows are together. */
  | 'equal'
  /** `<`, `>=` …: a range, after which no further column narrows. */
  | 'range'
  /** `LIKE 'john%'`: a range too, if the index is ordered by characters. */
  | 'prefix'
  /** `IS NOT NULL`: only as the predicate of a partial index. */
  | 'filter';

/** One condition on one column. */
export interface Condition extends ColumnUse {
  readonly kind: ConditionKind;
  /** With `=`, so `kind` may order as well: `= ANY` gives no order. */
  readonly many: boolean;
  /** The condition as SQL, the column without its alias, where it holds nothing but literals. */
  readonly literal: string | undefined;
  /** A test that a parameter cannot stand for: a boolean column, IS NULL. */
  readonly unary: boolean;
}

/** Two columns of different tables that must be equal. */
export interface JoinCondition {
  readonly left: ColumnUse;
  readonly right: ColumnUse;
}

export interface Conditions {
  readonly conditions: readonly Condition[];
  readonly joins: readonly JoinCondition[];
}

/** The columns of an ORDER BY. */
export interface OrderKey extends ColumnUse {
  readonly descending: boolean;
  readonly nullsFirst: boolean;
}

type Tokens = readonly Token[];

/** Reads a condition; what it cannot read is left out. */
export function readConditions(text: string): Conditions {
  const conditions: Condition[] = [];
  const joins: JoinCondition[] = [];
  for (const part of conjuncts(tokensOf(text))) {
    const found = readOne(part);
    if (found === undefined) continue;
    if ('left' in found) joins.push(found);
    else conditions.push(found);
  }
  return { conditions, joins };
}

/** Reads one entry of a plan's `Sort Key`; undefined where it is not a column. */
export function readOrderKey(text: string): OrderKey | undefined {
  let tokens = tokensOf(text);
  let nulls: string | undefined;
  if (tokens.at(-2)?.text === 'nulls') {
    nulls = tokens.at(-1)!.text;
    tokens = tokens.slice(0, -2);
  }
  const last = tokens.at(-1)?.text;
  const descending = last === 'desc';
  if (last === 'desc' || last === 'asc') tokens = tokens.slice(0, -1);
  const use = columnUse(tokens);
  if (use === undefined) return undefined;
  return { ...use, descending, nullsFirst: nulls === undefined ? descending : nulls === 'first' };
}

function tokensOf(text: string): Tokens {
  try {
    return tokenize(text, 'plan');
  } catch {
    // What the server writes and we cannot read gives no advice.
    return [];
  }
}

/** Depth of parentheses and brackets before each token. */
function depths(tokens: Tokens): number[] {
  let depth = 0;
  return tokens.map(({ text, kind }) => {
    if (kind !== 'punctuation') return depth;
    if (text === '(' || text === '[') return depth++;
    if (text === ')' || text === ']') depth--;
    return depth;
  });
}

/** Without the parentheses around the whole. */
function bare(tokens: Tokens): Tokens {
  if (tokens[0]?.text !== '(' || tokens[0].kind !== 'punctuation') return tokens;
  const end = depths(tokens).findIndex((depth, index) => index > 0 && depth === 0);
  return end === tokens.length - 1 ? bare(tokens.slice(1, -1)) : tokens;
}

function conjuncts(tokens: Tokens): Tokens[] {
  const inner = bare(tokens);
  const levels = depths(inner);
  const parts: Tokens[] = [];
  let from = 0;
  inner.forEach((token, index) => {
    if (levels[index] !== 0 || !isWord(token, 'and')) return;
    parts.push(inner.slice(from, index));
    from = index + 1;
  });
  if (from === 0) return inner.length === 0 ? [] : [inner];
  return [...parts, inner.slice(from)].flatMap(conjuncts);
}

function isWord(token: Token | undefined, word: string): boolean {
  return token?.kind === 'word' && token.text === word;
}

function readOne(tokens: Tokens): Condition | JoinCondition | undefined {
  const levels = depths(tokens);
  if (tokens.some((token, index) => levels[index] === 0 && isWord(token, 'or'))) return undefined;
  return readUnary(tokens) ?? readBinary(tokens, levels);
}

/** `active`, `(NOT active)`, `(active IS TRUE)`, `(x IS NULL)`, `(x IS NOT NULL)`. */
function readUnary(tokens: Tokens): Condition | undefined {
  const unary = (
    use: ColumnUse | undefined,
    kind: ConditionKind,
    sql: (name: string) => string,
  ): Condition | undefined =>
    use === undefined || use.call !== undefined
      ? undefined
      : { ...use, kind, many: false, literal: sql(quoteIdentifier(use.column)), unary: true };
  if (isWord(tokens[0], 'not')) return unary(columnUse(tokens.slice(1)), 'equal', (name) => `NOT ${name}`);
  const last = tokens.at(-1);
  if (isWord(tokens.at(-2), 'is')) {
    const use = columnUse(tokens.slice(0, -2));
    if (isWord(last, 'null')) return unary(use, 'equal', (name) => `${name} IS NULL`);
    if (isWord(last, 'true')) return unary(use, 'equal', (name) => name);
    if (isWord(last, 'false')) return unary(use, 'equal', (name) => `NOT ${name}`);
    return undefined;
  }
  if (isWord(tokens.at(-3), 'is') && isWord(tokens.at(-2), 'not')) {
    const use = columnUse(tokens.slice(0, -3));
    return isWord(last, 'null') ? unary(use, 'filter', (name) => `${name} IS NOT NULL`) : undefined;
  }
  return unary(columnUse(tokens), 'equal', (name) => name);
}

const SWAPPED: Readonly<Record<string, string>> = { '=': '=', '<': '>', '<=': '>=', '>': '<', '>=': '<=' };

function readBinary(tokens: Tokens, levels: readonly number[]): Condition | JoinCondition | undefined {
  const at = tokens.findIndex(
    ({ kind, text }, index) => levels[index] === 0 && kind === 'operator' && text !== '::',
  );
  if (at <= 0) return undefined;
  let operator = tokens[at]!.text;
  let leftTokens = tokens.slice(0, at);
  let rightTokens = tokens.slice(at + 1);
  let left = columnUse(leftTokens);
  const right = columnUse(rightTokens);
  if (left !== undefined && right !== undefined) {
    return operator === '=' && left.alias !== right.alias ? { left, right } : undefined;
  }
  if (left === undefined) {
    const swapped = SWAPPED[operator];
    if (right === undefined || swapped === undefined) return undefined;
    operator = swapped;
    left = right;
    [leftTokens, rightTokens] = [rightTokens, leftTokens];
  }
  return compare(left, operator, rightTokens);
}

function compare(use: ColumnUse, operator: string, right: Tokens): Condition | undefined {
  const many = isWord(right[0], 'any');
  const operand = bare(many ? right.slice(1) : right);
  // Compared with its own row, it is a filter for good.
  if (operand.some((token, index) => token.value === use.alias && operand[index + 1]?.text === '.'))
    return undefined;
  const text = literalOf(operand);
  const name = quoteIdentifier(use.column);
  const sql = (literal: string): string | undefined =>
    use.call === undefined && use.cast === undefined ? `${name} ${operator} ${literal}` : undefined;
  const common = { ...use, many, literal: text === undefined || many ? undefined : sql(text), unary: false };
  if (operator === '=') return { ...common, kind: 'equal' };
  if (many) return undefined;
  if (operator in SWAPPED) return { ...common, kind: 'range' };
  const first = operand[0];
  if (operator === '~~' && first?.kind === 'string' && /^[^%_\\]/u.test(first.value)) {
    return { ...common, kind: 'prefix' };
  }
  return undefined;
}

/** A constant with its cast, as SQL; undefined for anything else. */
function literalOf(tokens: Tokens): string | undefined {
  const [first, cast, ...type] = tokens;
  if (first === undefined) return undefined;
  const isConstant =
    first.kind === 'string' || first.kind === 'number' || isWord(first, 'true') || isWord(first, 'false');
  if (!isConstant) return undefined;
  if (cast === undefined) return first.text;
  if (cast.text !== '::' || type.some(({ kind }) => kind === 'operator' || kind === 'string'))
    return undefined;
  return `${first.text}::${typeText(type)}`;
}

/** A type as the server writes it: `app.mood`, `numeric(10,2)`, `timestamp(3) without time zone`. */
function typeText(tokens: Tokens): string {
  const parts = tokens.map((token, at) => {
    const before = tokens[at - 1]?.text ?? '.';
    return isName(token) && before !== '.' && before !== '(' ? ` ${token.text}` : token.text;
  });
  return parts.join('');
}

/** `u.name`, `(u.name)::text`, `lower(u.name)`, `lower((u.name)::text)`. */
function columnUse(given: Tokens): ColumnUse | undefined {
  let tokens = bare(given);
  let cast: string | undefined;
  const levels = depths(tokens);
  const at = tokens.findLastIndex((token, index) => token.text === '::' && levels[index] === 0);
  if (at > 0) {
    const type = tokens.slice(at + 1);
    // What follows may be more than a type: `(u.name)::text = $1`.
    if (type.some(({ kind }) => kind === 'operator' || kind === 'string' || kind === 'parameter'))
      return undefined;
    cast = typeText(type);
    tokens = bare(tokens.slice(0, at));
  }
  const [first, second, third] = tokens;
  if (tokens.length === 3 && isName(first) && second?.text === '.' && isName(third)) {
    return { alias: first.value, column: third.value, call: undefined, cast };
  }
  if (cast === undefined && (isWord(first, 'lower') || isWord(first, 'upper')) && second?.text === '(') {
    const inner = columnUse(tokens.slice(1));
    if (inner === undefined || inner.call !== undefined) return undefined;
    return { ...inner, call: first!.text as 'lower' | 'upper' };
  }
  return undefined;
}

function isName(token: Token | undefined): token is Token {
  return token?.kind === 'word' || token?.kind === 'quoted';
}
