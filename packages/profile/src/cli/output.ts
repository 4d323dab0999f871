import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CpuProfile } from '../cpu/cpu-profile.ts';
import { eventsOf } from '../cpu/speedscope.ts';
import type { V8CpuProfile } from '../cpu/v8-profile.ts';
import { flameGraph } from '../flame/flame-graph.ts';
import { framesOf, topSites, treeOf } from '../heap/allocation-tree.ts';
import type { V8HeapNode, V8HeapProfile } from '../heap/sampler.ts';
import { sourcePlaces } from '../source-maps/source-places.ts';
import { topTable } from './table.ts';

/** What cannot be done, told in one line. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the quota is used up',
  EACCES: 'no permission',
  EPERM: 'no permission',
  EROFS: 'the file system is read-only',
  ENOTDIR: 'a part of its path is no directory',
  EEXIST: 'something of that name is no directory',
};

export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return REASONS[(error as NodeJS.ErrnoException).code ?? ''] ?? error.message;
}

/** Makes the directory and gives the path of the profile's files in it, without their extension. */
export function prepareOutput(folder: string, kind: 'cpu' | 'heap', now: Date): string {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new CommandError(`cannot make the directory ${folder}: ${reasonOf(error)}`);
  }
  const stamp = now
    .toISOString()
    .replace(/\.\d+Z$/, '')
    .replace(/[-:]/g, '');
  return join(folder, `${kind}-${stamp}-${process.pid}`);
}

/** Writes a file, whole or not at all. */
export function writeOutput(path: string, text: string): void {
  try {
    writeFileSync(path, text, { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') rmSync(path, { force: true });
    throw new CommandError(`cannot write ${path}: ${reasonOf(error)}`);
  }
}

function readProfile(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    throw new CommandError(
      `no profile was written: the program was killed before it could, or the disk is full`,
    );
  }
}

/** Of some 45 bytes each: 200 MB. A few times more is beyond what a string can hold, and often what the heap can. */
const MOST_SPEEDSCOPE_EVENTS = 4_000_000;

const here = (): string => `${pathToFileURL(process.cwd()).href}/`;

/** Makes of `<base>.cpuprofile` everything else, and gives what to print. */
export async function finishCpu(base: string, title: string, top: number): Promise<string> {
  const raw = readProfile(`${base}.cpuprofile`) as V8CpuProfile;
  const places = await sourcePlaces(raw.nodes.map(({ callFrame }) => callFrame));
  const profile = new CpuProfile(undefined, raw, places);
  writeOutput(`${base}.svg`, profile.flameGraph({ title }));
  const isForSpeedscope = eventsOf(raw) <= MOST_SPEEDSCOPE_EVENTS;
  if (isForSpeedscope) writeOutput(`${base}.speedscope.json`, JSON.stringify(profile.speedscope(title)));
  const speedscope = isForSpeedscope
    ? `${base}.speedscope.json`
    : 'no .speedscope.json of so long a profile: speedscope opens the .cpuprofile too';
  const rows = profile.top(top).map((row) => ({ ...row, self: row.selfMs, total: row.totalMs }));
  const head = `${Math.round(profile.durationMs)} ms, ${Math.round(profile.idleMs)} of them idle, ${profile.sampleCount} samples`;
  return `\n${head}\n\n${topTable(rows, 'ms', here())}\n${base}.svg\n${base}.cpuprofile\n${speedscope}\n`;
}

/** Makes of `<base>.heapprofile` everything else, and gives what to print. */
export async function finishHeap(base: string, title: string, top: number): Promise<string> {
  const raw = readProfile(`${base}.heapprofile`) as V8HeapProfile;
  const ownUrl = new URL('preload.js', import.meta.url).href;
  const isOwn = ({ callFrame }: V8HeapNode): boolean => callFrame.url === ownUrl;
  const tree = treeOf(raw, { isOwn, isRunner: () => false }, await sourcePlaces(framesOf(raw)));
  writeOutput(`${base}.svg`, flameGraph(tree.root, { title, unit: 'bytes' }));
  const rows = topSites(tree, top).map((row) => ({ ...row, self: row.selfBytes, total: row.totalBytes }));
  const head = `${Math.round(tree.root.total / 1024)} KiB allocated, ${raw.samples.length} samples`;
  return `\n${head}\n\n${topTable(rows, 'bytes', here())}\n${base}.svg\n${base}.heapprofile\n`;
}
