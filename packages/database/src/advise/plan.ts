/** What a plan of `EXPLAIN (FORMAT JSON, VERBOSE)` says of each table that it reads. Pure. */

import { type Condition, type OrderKey, readConditions, readOrderKey } from './condition.ts';

/** A node as the server gives it; only what is read here. */
export interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Total Cost': number;
  readonly 'Plan Rows': number;
  readonly 'Relation Name'?: string;
  readonly Schema?: string;
  readonly Alias?: string;
  readonly 'Index Name'?: string;
  readonly Filter?: string;
  readonly 'Index Cond'?: string;
  readonly 'Recheck Cond'?: string;
  readonly 'Hash Cond'?: string;
  readonly 'Merge Cond'?: string;
  readonly 'Join Filter'?: string;
  readonly 'Sort Key'?: readonly string[];
  readonly Plans?: readonly PlanNode[];
}

/** How a plan reads one table. */
export interface TableAccess {
  readonly schema: string;
  readonly table: string;
  readonly alias: string;
  /** True when all of the table is read. */
  readonly sequential: boolean;
  /** Planner's cost of the node. */
  readonly cost: number;
  /** Rows that it is expected to give, of each worker where it is parallel. */
  readonly rows: number;
  readonly conditions: readonly Condition[];
  /** Its columns that are compared with another table's. */
  readonly joinColumns: readonly string[];
  /** Its columns that the result is sorted by, when all are its own. */
  readonly order: readonly OrderKey[];
}

const CONDITIONS = ['Filter', 'Index Cond', 'Recheck Cond'] as const;
const JOINS = ['Hash Cond', 'Merge Cond', 'Join Filter'] as const;

/** Every node of a plan, parents first. */
export function* nodesOf(root: PlanNode): Generator<PlanNode> {
  yield root;
  for (const child of root.Plans ?? []) yield* nodesOf(child);
}

/** The names of the indexes that a plan uses. */
export function indexesUsed(root: PlanNode): Set<string> {
  const names = [...nodesOf(root)].flatMap((node) => node['Index Name'] ?? []);
  return new Set(names);
}

/** How a plan reads its tables, each alias once. */
export function accessesOf(root: PlanNode): TableAccess[] {
  const nodes = [...nodesOf(root)];
  const joined = joinColumnsOf(nodes);
  const orders = ordersOf(nodes);
  const accesses = new Map<string, TableAccess>();
  for (const node of nodes) {
    const { 'Relation Name': table, Schema: schema, Alias: alias } = node;
    if (table === undefined || schema === undefined || alias === undefined) continue;
    if (!node['Node Type'].endsWith('Scan') || accesses.has(alias)) continue;
    const read = CONDITIONS.flatMap((key) => {
      const text = node[key];
      return text === undefined ? [] : [readConditions(text)];
    });
    // An index scan inside a loop is given the other table's column.
    const parameterised = read.flatMap(({ joins }) => joins).flatMap(({ left, right }) => [left, right]);
    const joinColumns = new Set([
      ...(joined.get(alias) ?? []),
      ...parameterised
        .filter((use) => use.alias === alias && use.call === undefined)
        .map(({ column }) => column),
    ]);
    accesses.set(alias, {
      schema,
      table,
      alias,
      sequential: node['Node Type'] === 'Seq Scan',
      cost: node['Total Cost'],
      rows: node['Plan Rows'],
      conditions: distinct(read.flatMap(({ conditions }) => conditions).filter((use) => use.alias === alias)),
      joinColumns: [...joinColumns],
      order: orders.get(alias) ?? [],
    });
  }
  return [...accesses.values()];
}

/** A recheck repeats the index's condition. */
function distinct(conditions: readonly Condition[]): Condition[] {
  const known = new Set<string>();
  return conditions.filter((condition) => {
    const key = JSON.stringify(condition);
    if (known.has(key)) return false;
    known.add(key);
    return true;
  });
}

function joinColumnsOf(nodes: readonly PlanNode[]): Map<string, string[]> {
  const columns = new Map<string, string[]>();
  for (const node of nodes) {
    for (const key of JOINS) {
      const text = node[key];
      if (text === undefined) continue;
      for (const { left, right } of readConditions(text).joins) {
        for (const use of [left, right]) {
          if (use.call !== undefined || use.cast !== undefined) continue;
          columns.set(use.alias, [...(columns.get(use.alias) ?? []), use.column]);
        }
      }
    }
  }
  return columns;
}

function ordersOf(nodes: readonly PlanNode[]): Map<string, OrderKey[]> {
  const orders = new Map<string, OrderKey[]>();
  for (const node of nodes) {
    if (!node['Node Type'].endsWith('Sort')) continue;
    const keys = (node['Sort Key'] ?? []).map(readOrderKey);
    const alias = keys[0]?.alias;
    const isPlain = keys.every((key) => key !== undefined && key.alias === alias && key.cast === undefined);
    if (alias === undefined || !isPlain || orders.has(alias)) continue;
    orders.set(alias, keys as OrderKey[]);
  }
  return orders;
}
