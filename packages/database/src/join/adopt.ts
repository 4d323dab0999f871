import { type OrderedFold, isHidden } from './compile-wire.ts';
import type { Level } from './ordered.ts';
import { compositeKey } from './spec.ts';

/** Remembers a key among those of one list. */
type NewSeenKeys = new () => { add(key: unknown): boolean };

/**
 * The entries by key that the unordered fold (compile.ts) would have of the objects that an ordered one has made, so that it can go
 * on from there. O(objects).
 */
export function adopt(root: Level, { list, keys }: OrderedFold, SeenKeys: NewSeenKeys): Map<unknown, object> {
  // Objects of a level were made in the order in which they are met here.
  const met: number[] = [];

  const keyOf = (level: Level, node: object): unknown => {
    const place = (met[level.id] ??= 0);
    met[level.id] = place + 1;
    const values = level.plan.key.map((column, at) => {
      if (isHidden(level, column)) return keys[level.id]![at]![place];
      const [name] = level.plan.fields.find(([, field]) => field === column)!;
      return member(node, name);
    });
    return values.length === 1 ? values[0] : compositeKey(values);
  };

  const entriesOf = (level: Level, nodes: readonly object[]): Map<unknown, object> => {
    const entries = new Map<unknown, object>();
    for (const node of nodes) {
      const key = keyOf(level, node);
      const entry: Record<string, unknown> = { node };
      for (const child of level.below) {
        const found = member(node, child.name) as readonly object[] | object | null;
        const nodes: readonly object[] = [found ?? []].flat();
        if (child.many) entry[`list${child.id}`] = found;
        if (isLeafList(child)) {
          const seen = new SeenKeys();
          for (const below of nodes) seen.add(keyOf(child, below));
          entry[`seen${child.id}`] = seen;
        } else {
          entry[`entries${child.id}`] = entriesOf(child, nodes);
        }
      }
      entries.set(key, entry);
    }
    return entries;
  };

  return entriesOf(root, list);
}

/** Objects of this level are pushed and never needed again. The root always has entries. */
export function isLeafList(level: Level): boolean {
  return level.id > 0 && level.many && level.below.length === 0;
}

function member(node: object, name: string): unknown {
  return (node as Readonly<Record<string, unknown>>)[name];
}
