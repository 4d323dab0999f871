/**
 * Cuts SQL into tokens: as much of the lexer as it takes to find statements, parameters and the parts of a condition. Pure.
 */

import { ArgumentRangeError } from '../errors.ts';

export type TokenKind = 'word' | 'quoted' | 'string' | 'number' | 'parameter' | 'operator' | 'punctuation';

export interface Token {
  readonly kind: TokenKind;
  /** As it stands in the text; a word in lower case. */
  readonly text: string;
  /** What it means: of a quoted name the name, of a string its content. */
  readonly value: string;
}

/**
 * In the order of trial: spaces and comments, dollar quotes, strings (with backslashes after E), quoted names, numbers,
 * parameters, words, the cast, operators, punctuation. A block comment within a block comment is handled by hand.
 */
const TOKEN =
  /(\s+|--[^\n]*)|(\$(?:[a-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$)|(e'(?:[^'\\]|\\[\s\S]|'')*'|(?:[bxn]|u&)?'(?:[^']|'')*')|((?:u&)?"(?:[^"]|"")+")|((?:\d[\d_]*(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?)|(\$\d+)|([a-z_\u0080-\uffff][\w$\u0080-\uffff]*)|(::|[+\-*/<>=~!@#%^&|`?]+)|([()[\],;:.{}])/iuy;

/**
 * All tokens of a text.
 *
 * @throws {ArgumentRangeError} where it is none of SQL: an open quote, a stray character.
 */
export function tokenize(text: string, argument: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    if (text.startsWith('/*', at)) {
      at = endOfComment(text, at, argument);
      continue;
    }
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(text);
    if (match === null) throw unreadable(argument, at);
    const [whole, space, dollar, string, quoted, number, parameter, word, operator] = match;
    at += whole.length;
    if (space !== undefined) continue;
    if (dollar !== undefined) {
      const end = text.indexOf(dollar, at);
      if (end < 0) throw unreadable(argument, at);
      tokens.push({
        kind: 'string',
        text: text.slice(at - dollar.length, end + dollar.length),
        value: text.slice(at, end),
      });
      at = end + dollar.length;
    } else if (string !== undefined) tokens.push({ kind: 'string', text: string, value: contentOf(string) });
    else if (quoted !== undefined)
      tokens.push({ kind: 'quoted', text: quoted, value: quoted.slice(1, -1).replaceAll('""', '"') });
    else if (number !== undefined) tokens.push({ kind: 'number', text: number, value: number });
    else if (parameter !== undefined) tokens.push({ kind: 'parameter', text: parameter, value: parameter });
    else if (word !== undefined)
      tokens.push({ kind: 'word', text: word.toLowerCase(), value: word.toLowerCase() });
    else if (operator !== undefined) {
      // A comment may begin inside a run of operator characters.
      const cut = operator.search(/--|\/\*/u);
      const taken = cut > 0 ? operator.slice(0, cut) : operator;
      at -= operator.length - taken.length;
      tokens.push({ kind: 'operator', text: taken, value: taken });
    } else tokens.push({ kind: 'punctuation', text: whole, value: whole });
  }
  return tokens;
}

function contentOf(string: string): string {
  const start = string.indexOf("'");
  const content = string.slice(start + 1, -1).replaceAll("''", "'");
  return string[0] === 'e' || string[0] === 'E' ? content.replaceAll(/\\([\s\S])/gu, '$1') : content;
}

/** Comments nest. */
function endOfComment(text: string, from: number, argument: string): number {
  let depth = 0;
  for (let at = from; at < text.length; at++) {
    if (text.startsWith('/*', at)) {
      depth++;
      at++;
    } else if (text.startsWith('*/', at)) {
      depth--;
      at++;
      if (depth === 0) return at + 1;
    }
  }
  throw unreadable(argument, from);
}

function unreadable(argument: string, at: number): ArgumentRangeError {
  return new ArgumentRangeError(`${argument}: expected SQL, got something else at character ${at + 1}`);
}

/** What EXPLAIN takes. */
const EXPLAINABLE: ReadonlySet<string> = new Set([
  'select',
  'with',
  'values',
  'table',
  'insert',
  'update',
  'delete',
  'merge',
  '(',
]);

/** One statement, which EXPLAIN takes. */
export interface ExplainableText {
  /** Without a semicolon at its end. */
  readonly text: string;
  /** The highest `$n` in it; 0 without. */
  readonly parameterCount: number;
}

/**
 * Checks that a text is one statement that can be explained: of several, all but the first would be executed.
 *
 * @throws {ArgumentRangeError}
 */
export function oneStatement(text: string): ExplainableText {
  const tokens = tokenize(text, 'query');
  while (tokens.at(-1)?.text === ';') tokens.pop();
  if (tokens.some((token) => token.text === ';')) {
    throw new ArgumentRangeError('query: expected one statement, got several');
  }
  if (!EXPLAINABLE.has(tokens[0]?.text ?? '')) {
    throw new ArgumentRangeError(
      'query: expected SELECT, INSERT, UPDATE, DELETE, MERGE, VALUES, TABLE or WITH',
    );
  }
  const parameters = tokens
    .filter(({ kind }) => kind === 'parameter')
    .map(({ text }) => Number(text.slice(1)));
  return { text: text.replace(/[;\s]+$/u, ''), parameterCount: Math.max(0, ...parameters) };
}

/**
 * Checks that a text is one expression, which cannot end the parentheses that it is put into.
 *
 * @throws {ArgumentRangeError}
 */
export function checkExpression(text: string, argument: string): void {
  let depth = 0;
  const tokens = tokenize(text, argument);
  for (const { text: token, kind } of tokens) {
    if (kind !== 'punctuation') continue;
    if (token === '(') depth++;
    if (token === ')') depth--;
    if (depth < 0 || token === ';') break;
  }
  const isWhole = depth === 0 && tokens.length > 0 && tokens.every((token) => token.text !== ';');
  if (!isWhole)
    throw new ArgumentRangeError(`${argument}: expected one expression with balanced parentheses`);
  // It would hide the parenthesis that follows.
  if (/--[^\n]*$/u.test(text)) throw new ArgumentRangeError(`${argument}: expected no comment at its end`);
}
