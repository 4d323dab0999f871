import type { CallNode } from '@hotpath/profile';

/** A call tree from nested arrays: `[name, self, ...children]`; totals are summed. */
export type Sketch = readonly [name: string, self: number, ...children: Sketch[]];

export function tree([name, self, ...children]: Sketch, url = 'file:///app/main.js'): CallNode {
  const below = children.map((child) => tree(child, url));
  return {
    name,
    url,
    line: 1,
    column: 1,
    self,
    total: below.reduce((sum, { total }) => sum + total, self),
    children: below,
  };
}

/** A path of calls, from the root down, each with a self of 1; built without recursion. */
export function chain(names: readonly string[]): CallNode {
  let below: CallNode[] = [];
  let total = 0;
  for (const name of names.toReversed()) {
    total++;
    below = [{ name, url: 'file:///app/deep.js', line: 1, column: 1, self: 1, total, children: below }];
  }
  return below[0]!;
}
