import { ArgumentTypeError, ArgumentRangeError, invalidType } from '../errors.ts';
import { quoteIdentifier } from '../insert/identifier.ts';

/** Found also where two copies of this package are installed; nothing that was parsed from a text can have it. */
const BRAND: unique symbol = Symbol.for('hotpath:database:sql:1') as never;

/**
 * A statement, or a part of one, made by {@link sql}: its text, and the values that go beside it as parameters. Never changes.
 * `Row` is what its rows are said to be.
 *
 * It has `text` and `values`, so `pg` takes it as well: `pool.query(sql`…`)`.
 */
export interface Sql<Row extends object = Record<string, unknown>> {
  /** With `$1`, `$2`, … where the values belong. */
  readonly text: string;
  /** One for each parameter. Do not change it. */
  readonly values: unknown[];
  readonly [BRAND]: RowType<Row>;
}

/** Only a type: carries the rows' type. */
type RowType<Row> = () => Row;

/** See {@link sql}. */
export interface SqlTag {
  <Row extends object = Record<string, unknown>>(
    texts: TemplateStringsArray,
    ...values: readonly unknown[]
  ): Sql<Row>;
  /**
   * A name: `sql.ident('user')` is `"user"`, `sql.ident('app', 'user')` is `"app"."user"`. Whatever a name holds, it stays one
   * identifier.
   *
   * @throws {ArgumentTypeError} {ArgumentRangeError} for what cannot be a name: no text, an empty one, one with a NUL.
   */
  ident(...names: readonly [string, ...string[]]): Sql;
  /**
   * Parts and values in a row, with a separator between: `sql.join([1, 2, 3])` is `$1, $2, $3`.
   *
   * @param separator default `` sql`, ` ``.
   * @throws {ArgumentRangeError} for an empty list, which no SQL has a form for.
   */
  join(items: readonly unknown[], separator?: Sql<object>): Sql;
}

class SqlParts {
  readonly [BRAND] = true;
  /** Texts between the values: one more than those. */
  readonly texts: readonly string[];
  readonly values: unknown[];
  /** A plain member: `pg` reads it through objects that inherit from this one. */
  readonly text: string;

  constructor(texts: readonly string[], values: unknown[], text: string) {
    this.texts = texts;
    this.values = values;
    this.text = text;
  }
}

/** True for what {@link sql} made; for nothing else, whatever members it has. */
export function isSql(value: unknown): value is Sql<object> {
  return typeof value === 'object' && value !== null && BRAND in value;
}

/** Texts of templates that hold nothing but values: the same template gives the same text every time. */
const templates = new WeakMap<TemplateStringsArray, string>();

/**
 * Makes a statement of a template. Each `${value}` becomes a parameter, never text, so nothing that it holds can be read as SQL;
 * what is made by `sql` itself is put in as a part of the statement. A list goes as one parameter: `id = ANY(${ids})`.
 *
 * There is no way to put in a text that is not written in a template, and none is needed: names go through `sql.ident`.
 *
 * O(length), once a template; then O(values), and O(length) where parts are put in.
 *
 * @throws {ArgumentTypeError} when it is not used as a template's tag, or for `undefined`, which is mostly a slip; `null` is NULL.
 * @throws {ArgumentRangeError} for a `$1` or a digit that would be read as the number of a parameter.
 *
 * @example
 * ```ts
 * const active = sql`deleted_at IS NULL AND ${sql.ident('plan')} = ANY(${['pro', 'team']})`;
 * const user = await db.one(sql<{ id: number }>`SELECT id FROM users WHERE email = ${email} AND ${active}`);
 * ```
 */
export const sql: SqlTag = Object.assign(template, { ident, join });

function template<Row extends object>(texts: TemplateStringsArray, ...values: readonly unknown[]): Sql<Row> {
  if (!Array.isArray(texts) || !Array.isArray(texts.raw) || texts.length !== values.length + 1) {
    throw new ArgumentTypeError(
      'sql: expected a template (sql`…`), got a call; names go through sql.ident()',
    );
  }
  if (values.some(isSql)) return asSql(compose(texts, values));
  for (let index = 0; index < values.length; index++) checkValue(values[index], index);
  let text = templates.get(texts);
  if (text === undefined) {
    for (const part of texts) checkPart(part);
    text = numbered(texts);
    templates.set(texts, text);
  }
  return asSql(new SqlParts(texts, values as unknown[], text));
}

/** A part of a text of ours, quoted where it needs to be. Never of a text from outside: not exported from the package. */
export function plainSql(text: string): Sql {
  return asSql(new SqlParts([text], [], text));
}

function ident(...names: readonly string[]): Sql {
  if (names.length === 0) throw new ArgumentRangeError('sql.ident: expected one or more names, got none');
  const text = names.map((name) => quoteIdentifier(name, 'sql.ident')).join('.');
  return plainSql(text);
}

const COMMA = new SqlParts([', '], [], ', ');

function join(items: readonly unknown[], separator?: Sql<object>): Sql {
  if (!Array.isArray(items)) throw invalidType('sql.join', 'an array', items);
  if (items.length === 0) throw new ArgumentRangeError('sql.join: expected one or more items, got none');
  if (separator !== undefined && !isSql(separator)) {
    throw invalidType('sql.join: separator', 'what sql`…` makes', separator);
  }
  const between = separator ?? COMMA;
  const all: unknown[] = [];
  for (const item of items) {
    if (all.length > 0) all.push(between);
    all.push(item);
  }
  return asSql(compose(new Array<string>(all.length + 1).fill(''), all));
}

/** Puts the parts among the values into one flat list of texts and values. */
function compose(texts: readonly string[], values: readonly unknown[]): SqlParts {
  const flatTexts: string[] = [];
  const flatValues: unknown[] = [];
  checkPart(texts[0]);
  let text = texts[0]!;
  for (let index = 0; index < values.length; index++) {
    const value = values[index];
    if (isSql(value)) {
      const part = value as unknown as SqlParts;
      text += part.texts[0]!;
      for (let at = 0; at < part.values.length; at++) {
        flatTexts.push(text);
        flatValues.push(part.values[at]);
        text = part.texts[at + 1]!;
      }
    } else {
      checkValue(value, index);
      flatTexts.push(text);
      flatValues.push(value);
      text = '';
    }
    checkPart(texts[index + 1]);
    text += texts[index + 1]!;
  }
  flatTexts.push(text);
  return new SqlParts(flatTexts, flatValues, numbered(flatTexts));
}

/** The text with `$1`, `$2`, … between its parts. */
function numbered(texts: readonly string[]): string {
  let text = texts[0]!;
  for (let index = 1; index < texts.length; index++) {
    const next = texts[index]!;
    if (/^\d/u.test(next) || text.endsWith('$')) {
      throw new ArgumentRangeError(
        `sql: expected nothing that joins the parameter $${index}, got a digit behind it or a $ before it`,
      );
    }
    text += `$${index}${next}`;
  }
  return text;
}

function checkPart(text: string | undefined): void {
  if (text === undefined) throw new ArgumentRangeError('sql: expected a text, got an invalid escape');
  if (/\$\d/u.test(text)) {
    throw new ArgumentRangeError(
      'sql: expected ${value} instead of a numbered parameter; a text with $1 as a value',
    );
  }
}

function checkValue(value: unknown, index: number): void {
  if (value === undefined) {
    throw new ArgumentTypeError(`sql: expected a value or null as number ${index + 1}, got undefined`);
  }
}

/** The rows' type is a claim of the caller, as everywhere with SQL. */
function asSql<Row extends object>(parts: SqlParts): Sql<Row> {
  return parts as unknown as Sql<Row>;
}
