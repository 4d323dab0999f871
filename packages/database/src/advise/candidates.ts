/** Which indexes could serve a table's part in a plan. Pure. */

import { type TableName, quoteIdentifier } from '../insert/identifier.ts';
import type { ColumnFacts, TableFacts } from './catalog.ts';
import type { Condition, OrderKey } from './condition.ts';
import { type IndexDefinition, type IndexKey, renderIndex } from './index-definition.ts';
import type { TableAccess } from './plan.ts';

/** An index that might help, and why. */
export interface Candidate {
  readonly definition: IndexDefinition;
  readonly reason: string;
  /** Share of the table's rows that the index holds. */
  readonly share: number;
  /** The plan sorts these rows, and the index would not have to. */
  readonly ordered: boolean;
  /** Conditions that its keys serve. */
  readonly narrowing: number;
}

/** A condition that holds for this share of the rows or less is worth a partial index. */
export const RARE_SHARE = 0.25;
/** A column with more values than this is no status, and one of its values no part of an index. */
const STATUS_VALUES_MAX = 100;
/** More keys widen an index and narrow little. */
const EQUAL_KEYS_MAX = 3;

/** Conditions of the query's own text that could be the predicate of a partial index. */
export function predicatesOf(
  access: TableAccess,
  facts: TableFacts,
  isLiteral: (condition: Condition) => boolean,
): Condition[] {
  return access.conditions.filter((condition) => {
    if (condition.literal === undefined || condition.cast !== undefined || !isLiteral(condition))
      return false;
    if (condition.unary) return true;
    const column = facts.columns.get(condition.column);
    return condition.kind === 'equal' && column !== undefined && column.distinct <= STATUS_VALUES_MAX;
  });
}

/** The condition of a partial index. */
export function predicateSql(predicates: readonly Condition[]): string {
  return predicates.map(({ literal }) => (predicates.length > 1 ? `(${literal})` : literal!)).join(' AND ');
}

/**
 * Candidates for one table: the columns compared by `=` first, the most distinct one leading, then one range or the order; the same
 * without the columns of a rare literal condition, as a partial index; and the columns of a JOIN.
 *
 * @param share of the rows for which `predicates` hold.
 */
export function candidatesOf(
  access: TableAccess,
  facts: TableFacts,
  predicates: readonly Condition[],
  share: number,
): Candidate[] {
  const candidates: Candidate[] = [];
  const usable = access.conditions.filter((condition) => isUsable(condition, facts));
  const add = (conditions: readonly Condition[], where: readonly Condition[]): void => {
    for (const { keys, ordered, narrowing } of keyLists(access, facts, conditions, where.length > 0)) {
      const table: TableName = [access.schema, access.table];
      const definition: IndexDefinition =
        where.length === 0 ? { table, keys } : { table, keys, where: predicateSql(where) };
      if (isCovered(definition, facts)) continue;
      candidates.push({
        definition,
        ordered,
        narrowing,
        share: where.length === 0 ? 1 : share,
        reason: reasonOf(access, conditions, ordered, where, share),
      });
    }
  };
  if (predicates.length > 0 && share <= RARE_SHARE) {
    add(
      usable.filter((condition) => !predicates.includes(condition)),
      predicates,
    );
  }
  add(usable, []);
  const known = new Set<string>();
  return candidates.filter(({ definition }) => {
    const ddl = renderIndex(definition, false);
    return !known.has(ddl) && known.add(ddl);
  });
}

/** A cast is in the way of an index, but for that of `varchar` to `text`, which changes nothing. */
function isUsable({ kind, column, cast }: Condition, facts: TableFacts): boolean {
  const type = facts.columns.get(column)?.type;
  if (kind === 'filter' || type === undefined) return false;
  return cast === undefined || (cast === 'text' && type === 'character varying');
}

type KeyList = Pick<Candidate, 'ordered' | 'narrowing'> & { readonly keys: readonly (string | IndexKey)[] };

function keyLists(
  access: TableAccess,
  facts: TableFacts,
  conditions: readonly Condition[],
  partial: boolean,
): KeyList[] {
  const lists: KeyList[] = [];
  const distinctOf = (column: string): number => facts.columns.get(column)?.distinct ?? 1;
  const equal = unique(conditions.filter(({ kind }) => kind === 'equal'))
    .toSorted((a, b) => distinctOf(b.column) - distinctOf(a.column))
    .slice(0, EQUAL_KEYS_MAX);
  const taken = new Set(equal.map(({ column }) => column));
  const ranges = unique(conditions.filter(({ kind, column }) => kind !== 'equal' && !taken.has(column)));
  const keys = equal.map((condition) => keyOf(condition, facts));

  const order = access.order.filter(({ column }) => !taken.has(column));
  // `= ANY` reads one range a value, which are not in order together.
  if (order.length > 0 && !equal.some(({ many }) => many)) {
    const narrowed = ranges.some(({ column }) => column === order[0]!.column) ? 1 : 0;
    lists.push({ keys: [...keys, ...orderKeys(order)], ordered: true, narrowing: keys.length + narrowed });
  }
  for (const range of ranges) {
    lists.push({ keys: [...keys, keyOf(range, facts)], ordered: false, narrowing: keys.length + 1 });
  }
  if (ranges.length === 0 && keys.length > 0) lists.push({ keys, ordered: false, narrowing: keys.length });
  for (const column of access.joinColumns) {
    if (!taken.has(column)) lists.push({ keys: [column, ...keys], ordered: false, narrowing: keys.length });
  }
  if (partial && lists.length === 0) {
    const primary = facts.indexes.find((index) => index.primary);
    if (primary !== undefined) lists.push({ keys: [...primary.columns], ordered: false, narrowing: 0 });
  }
  return lists.filter((list) => list.keys.length > 0);
}

function unique(conditions: readonly Condition[]): Condition[] {
  const known = new Set<string>();
  return conditions.filter(({ column, call }) => {
    const key = `${call} ${column}`;
    return !known.has(key) && known.add(key);
  });
}

/** Descending all over is read backwards. */
function orderKeys(order: readonly OrderKey[]): (string | IndexKey)[] {
  const backwards = order.every(({ descending, nullsFirst }) => descending && nullsFirst);
  return order.map((key) => {
    const { column, call, descending, nullsFirst } = key;
    const base: IndexKey = call === undefined ? { column } : { expression: expressionOf(call, column) };
    if (backwards || (!descending && !nullsFirst)) return call === undefined ? column : base;
    return { ...base, descending, nullsFirst };
  });
}

function keyOf({ column, call, kind }: Condition, facts: TableFacts): string | IndexKey {
  const opclass = kind === 'prefix' ? patternOpclass(facts.columns.get(column)) : undefined;
  if (call !== undefined) {
    const expression = expressionOf(call, column);
    return opclass === undefined ? { expression } : { expression, opclass };
  }
  return opclass === undefined ? column : { column, opclass };
}

function patternOpclass(column: ColumnFacts | undefined): string | undefined {
  if (column?.bytewise !== false) return undefined;
  return column.type === 'character' ? 'bpchar_pattern_ops' : 'text_pattern_ops';
}

function expressionOf(call: string, column: string): string {
  return `${call}(${quoteIdentifier(column)})`;
}

/** There is an index whose first keys are these, so another one would change nothing. */
function isCovered({ keys, where }: IndexDefinition, facts: TableFacts): boolean {
  return facts.indexes.some((index) => {
    if (!index.valid || (index.where !== null && index.where !== `(${where})`)) return false;
    if (where !== undefined && index.where === null) return false;
    return keys.every((key, at) => {
      if (typeof key === 'string')
        return index.columns[at] === key && !index.opclasses[at]!.includes('_pattern_');
      if (key.column === undefined || key.descending !== undefined) return false;
      return index.columns[at] === key.column && index.opclasses[at] === key.opclass;
    });
  });
}

function reasonOf(
  access: TableAccess,
  conditions: readonly Condition[],
  ordered: boolean,
  where: readonly Condition[],
  share: number,
): string {
  const list = (columns: readonly string[]): string => [...new Set(columns)].join(', ');
  const steps: string[] = [];
  if (conditions.length > 0) steps.push(`filtered on ${list(conditions.map(({ column }) => column))}`);
  else if (access.joinColumns.length > 0) steps.push(`joined on ${list(access.joinColumns)}`);
  if (ordered) steps.push(`sorted by ${list(access.order.map(({ column }) => column))}`);
  const how = access.sequential ? 'every row is read' : 'more rows are read than are given';
  const parts = [steps.length === 0 ? how : `${how}, then ${steps.join(' and ')}`];
  if (where.length > 0) {
    parts.push(`${predicateSql(where)} holds for ${percent(share)} of the rows, so only those are indexed`);
  }
  return parts.join('; ');
}

function percent(share: number): string {
  return `${Number((share * 100).toPrecision(2))} %`;
}
