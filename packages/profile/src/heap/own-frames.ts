/** The profiler's own frames in what it samples. */

import type { OwnFrames } from './allocation-tree.ts';
import { collectAll, heapSize } from './collector.ts';
import { abortable, runAsync, runSync } from './run.ts';
import { startSampling, stopSampling } from './sampler.ts';
import type { V8HeapNode } from './sampler.ts';

const FILES = ['sampler.js', 'run.js', 'collector.js'].map((name) => new URL(name, import.meta.url).href);
const OWN = new Set([startSampling.name, stopSampling.name, abortable.name, collectAll.name, heapSize.name]);
const CALLERS = [runSync.name, runAsync.name];

/**
 * Frames are told by file and name together: when a bundler has put us into one file with the application, the file alone
 * would name both.
 *
 * @param url the module that calls the operation, and `runners` its functions on the way there.
 */
export function ownFrames(url: string, runners: readonly string[]): OwnFrames {
  const files = new Set([url, ...FILES]);
  const callers = new Set([...runners, ...CALLERS]);
  const is = ({ callFrame }: V8HeapNode, names: ReadonlySet<string>): boolean =>
    names.has(callFrame.functionName) && files.has(callFrame.url);
  return { isRunner: (node) => is(node, callers), isOwn: (node) => is(node, OWN) };
}
