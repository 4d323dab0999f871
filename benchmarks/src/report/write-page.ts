/** The report's page, and the files beside it. */

import { basename, dirname, extname, join } from 'node:path';
import type { CallNode } from '@hotpath/profile';
import { flameGraph } from '@hotpath/profile';
import type { WholeFile } from '../files.ts';
import { removeStale, writeTogether } from '../files.ts';
import { nameOf } from '../harness/discover.ts';
import { anchorsOf } from './html-page.ts';
import { isPartName, partsFolder } from './html-parts.ts';
import { renderReport } from './html.ts';
import type { Report, Row } from './record.ts';

/** Where a row's time goes, by variant. */
export type Stacks = Map<Row, ReadonlyMap<string, CallNode>>;

/**
 * Writes the page, and to folders of its name the pages that its rows may need, in place of those of an earlier report, and the
 * flame graphs. All or nothing.
 */
export function writePage(file: string, report: Report, stacks: Stacks): void {
  const beside = dirname(file);
  const files: WholeFile[] = [];
  const folder = `${basename(file, extname(file))}-flames`;
  const anchors = anchorsOf(report.rows);
  const flames = new Map<Row, Map<string, string>>();
  for (const [row, trees] of stacks) {
    const links = new Map<string, string>();
    for (const [variant, root] of trees) {
      const graph = `${anchors.get(row)}-${variant}.svg`;
      const title = `${nameOf(row)}: ${variant}`;
      const content = flameGraph(root, { title, unit: 'ms' });
      files.push({ flag: '--flame', file: join(beside, folder, graph), content });
      links.set(variant, `${encodeURIComponent(folder)}/${encodeURIComponent(graph)}`);
    }
    flames.set(row, links);
  }
  const { front, parts } = renderReport(report, { flames, file: basename(file) });
  for (const [part, content] of parts) files.push({ flag: '--html', file: join(beside, part), content });
  files.push({ flag: '--html', file, content: front });
  writeTogether(files);
  const rows = partsFolder(file);
  removeStale('--html', join(beside, rows), (name) => isPartName(name) && !parts.has(`${rows}/${name}`));
}
