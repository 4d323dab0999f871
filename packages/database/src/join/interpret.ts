import { type NestPlan, compositeKey, noRootKey, objectKey, secondOne } from './spec.ts';

type Row = Readonly<Record<string, unknown>>;

/** A fold: rows in, root objects out. */
export type Fold = (rows: readonly object[]) => object[];

/** One object that was made, and what was made below it. */
interface Entry {
  readonly node: object;
  readonly children: Collection[];
}

/** Objects of one kind below one parent. */
interface Collection {
  readonly list: object[];
  readonly byKey: Map<unknown, Entry>;
}

/** The fold as a plain recursion over the plan, where code may not be compiled. */
export function interpret(plan: NestPlan): Fold {
  return (rows) => {
    const root: Collection = { list: [], byKey: new Map() };
    for (let index = 0; index < rows.length; index++) {
      const row = rows[index] as Row;
      const key = keyOf(plan, row);
      if (key === null) throw noRootKey(index, plan.key);
      descend(plan, find(root, plan, key, row), row, index);
    }
    return root.list;
  };
}

function descend(plan: NestPlan, entry: Entry, row: Row, index: number): void {
  for (let at = 0; at < plan.children.length; at++) {
    const child = plan.children[at]!;
    const key = keyOf(child.plan, row);
    if (key === null) continue;
    const collection = entry.children[at]!;
    const found = find(collection, child.plan, key, row);
    if (!child.many) {
      if (collection.list.length > 1) throw secondOne(index, child.plan.path);
      define(entry.node, child.name, found.node);
    }
    descend(child.plan, found, row, index);
  }
}

function find(collection: Collection, plan: NestPlan, key: unknown, row: Row): Entry {
  const known = collection.byKey.get(key);
  if (known !== undefined) return known;
  const node: object = {};
  for (const [name, column] of plan.fields) {
    define(node, name, typeof column === 'string' ? row[column] : column.map((one) => row[one]));
  }
  const children = plan.children.map((child): Collection => {
    const list: object[] = [];
    define(node, child.name, child.many ? list : null);
    return { list, byKey: new Map() };
  });
  const entry: Entry = { node, children };
  collection.byKey.set(key, entry);
  collection.list.push(node);
  return entry;
}

/** Null when there is no object. */
function keyOf(plan: NestPlan, row: Row): unknown {
  if (plan.key.length === 1) {
    const value = row[plan.key[0]!] ?? null;
    return typeof value === 'object' && value !== null ? objectKey(value) : value;
  }
  const values = plan.key.map((column) => row[column]);
  return values.some((value) => value === null || value === undefined) ? null : compositeKey(values);
}

/** An ordinary member, also for the name `__proto__`. */
function define(node: object, name: string, value: unknown): void {
  Object.defineProperty(node, name, { value, writable: true, enumerable: true, configurable: true });
}
