/** The report's page, and the files beside it. */

import { basename, dirname, extname, join } from 'node:path';
import type { CallNode } from '@hotpath/profile';
import { flameGraph } from '@hotpath/profile';
import { writeWhole } from '../files.ts';
import { nameOf } from '../harness/discover.ts';
import { anchorsOf } from './html-page.ts';
import { renderReport } from './html.ts';
import type { Report, Row } from './record.ts';

/** Where a row's time goes, by variant. */
export type Stacks = Map<Row, ReadonlyMap<string, CallNode>>;

/** Writes the page, beside it those that its rows may need, and flame graphs to a folder of its name. */
export function writePage(file: string, report: Report, stacks: Stacks): void {
  const folder = `${basename(file, extname(file))}-flames`;
  const anchors = anchorsOf(report.rows);
  const flames = new Map<Row, Map<string, string>>();
  for (const [row, trees] of stacks) {
    const links = new Map<string, string>();
    for (const [variant, root] of trees) {
      const graph = `${anchors.get(row)}-${variant}.svg`;
      const title = `${nameOf(row)}: ${variant}`;
      writeWhole('--flame', join(dirname(file), folder, graph), flameGraph(root, { title, unit: 'ms' }));
      links.set(variant, `${encodeURIComponent(folder)}/${encodeURIComponent(graph)}`);
    }
    flames.set(row, links);
  }
  const { front, parts } = renderReport(report, { flames, file: basename(file) });
  for (const [part, text] of parts) writeWhole('--html', join(dirname(file), part), text);
  writeWhole('--html', file, front);
}
