/**
 * Source maps as Node knows them, else as the compiled file on disk names them. A map is somebody else's file: whatever
 * is wrong with it, the answer is none, and nothing is read that is not a plain file of a bounded size.
 */

import { readFile, stat } from 'node:fs/promises';
import { findSourceMap, SourceMap } from 'node:module';
import type { SourceMapPayload } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** Larger files are left alone: a map is parsed at once, and the thread stands still meanwhile. */
const MOST_BYTES = 32 * 1024 * 1024;

const MAPPINGS = /^[A-Za-z0-9+/,;]*$/;
const DATA_URL = /^data:application\/json[^,]*?(;base64)?,/;

/** @param url a `file:` URL or an absolute path, as V8 names scripts. */
export async function loadSourceMap(url: string, signal: AbortSignal): Promise<SourceMap | undefined> {
  try {
    const file = url.startsWith('file:') ? url : pathToFileURL(url).href;
    return findSourceMap(file) ?? (await readSourceMap(file, signal));
  } catch {
    return undefined;
  }
}

async function readSourceMap(file: string, signal: AbortSignal): Promise<SourceMap | undefined> {
  const compiled = await readPlainFile(file, signal);
  const at = compiled.lastIndexOf('sourceMappingURL=');
  if (at === -1 || !/\/[/*][#@]\s$/.test(compiled.slice(Math.max(0, at - 4), at))) return undefined;
  const [link = ''] = /^[^\s*'"]*/.exec(compiled.slice(at + 'sourceMappingURL='.length)) ?? [];
  if (link === '') return undefined;
  const inline = DATA_URL.exec(link);
  if (inline !== null) {
    const content = link.slice(inline[0].length);
    const text =
      inline[1] === undefined ? decodeURIComponent(content) : Buffer.from(content, 'base64').toString();
    return parseSourceMap(text, file);
  }
  const mapUrl = new URL(link, file).href;
  if (!mapUrl.startsWith('file:')) return undefined;
  return parseSourceMap(await readPlainFile(mapUrl, signal), mapUrl);
}

/** A pipe or a device would keep a reader waiting for ever. */
async function readPlainFile(url: string, signal: AbortSignal): Promise<string> {
  const path = fileURLToPath(url);
  const found = await stat(path);
  if (!found.isFile() || found.size > MOST_BYTES) throw new Error('not a file to read');
  return readFile(path, { encoding: 'utf8', signal });
}

function parseSourceMap(text: string, mapUrl: string): SourceMap | undefined {
  // Some servers put a line before the JSON that keeps it from being run as a script.
  const payload: unknown = JSON.parse(text.replace(/^\)\]\}'?[^\n]*\n/, ''));
  if (isIndex(payload)) {
    const sections = payload.sections.map(({ offset, map }) => ({ offset, map: resolved(map, mapUrl) }));
    // Node reads an index map, though its type does not say so.
    return new SourceMap({ version: 3, sections } as unknown as SourceMapPayload);
  }
  return isPayload(payload) ? new SourceMap(resolved(payload, mapUrl)) : undefined;
}

/** The map with the addresses of its sources whole. */
function resolved(payload: SourceMapPayload, mapUrl: string): SourceMapPayload {
  const base = new URL(rootOf(payload.sourceRoot), mapUrl);
  const sources = payload.sources.map((source) => sourceUrl(source, base));
  return { ...payload, names: payload.names ?? [], sources, sourceRoot: '' };
}

function rootOf(sourceRoot: unknown): string {
  if (typeof sourceRoot !== 'string' || sourceRoot === '') return '.';
  return sourceRoot.endsWith('/') ? sourceRoot : `${sourceRoot}/`;
}

function sourceUrl(source: string | null, base: URL): string {
  try {
    return new URL(source ?? '', base).href;
  } catch {
    return source ?? '';
  }
}

/** What bundlers write that put files together with their maps: each holds from its offset to the next one's. */
interface IndexPayload {
  readonly sections: readonly {
    readonly offset: { readonly line: number; readonly column: number };
    readonly map: SourceMapPayload;
  }[];
}

type Unchecked<Checked> = Partial<Record<keyof Checked, unknown>>;

function isIndex(value: unknown): value is IndexPayload {
  if (typeof value !== 'object' || value === null) return false;
  const { version, sections } = value as Unchecked<SourceMapPayload & IndexPayload>;
  return version === 3 && Array.isArray(sections) && sections.every(isSection);
}

function isSection(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { offset, map } = value as Unchecked<IndexPayload['sections'][number]>;
  if (typeof offset !== 'object' || offset === null || !isPayload(map)) return false;
  const { line, column } = offset as Unchecked<IndexPayload['sections'][number]['offset']>;
  return isCount(line) && isCount(column);
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** The part of a version 3 map that is used, checked: Node's own class trusts what it is given. */
function isPayload(value: unknown): value is SourceMapPayload {
  if (typeof value !== 'object' || value === null) return false;
  const { version, sources, names, mappings } = value as Unchecked<SourceMapPayload>;
  return (
    version === 3 &&
    Array.isArray(sources) &&
    sources.every((source) => typeof source === 'string' || source === null) &&
    (names === undefined || Array.isArray(names)) &&
    typeof mappings === 'string' &&
    MAPPINGS.test(mappings)
  );
}
