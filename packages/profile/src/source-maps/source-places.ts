import type { SourceMap } from 'node:module';
import { isAbsolute } from 'node:path';
import type { Place } from '../cpu/profile-tree.ts';
import type { V8CallFrame } from '../cpu/v8-profile.ts';
import { loadSourceMap } from './source-map-files.ts';

/** Frames whose map is not there by then stay as they are. */
const TIME_LIMIT_MS = 10_000;

/**
 * Where frames are in the sources that they were compiled from; a frame without a source map is missing. Each
 * compiled file is read once. Never fails, and ends within some ten seconds whatever the files are like.
 */
export async function sourcePlaces<Frame extends Pick<V8CallFrame, 'url' | 'lineNumber' | 'columnNumber'>>(
  frames: readonly Frame[],
): Promise<Map<Frame, Place>> {
  const byUrl = new Map<string, Frame[]>();
  for (const frame of frames) {
    if (!frame.url.startsWith('file:') && !isAbsolute(frame.url)) continue;
    const others = byUrl.get(frame.url);
    if (others === undefined) byUrl.set(frame.url, [frame]);
    else others.push(frame);
  }
  const places = new Map<Frame, Place>();
  if (byUrl.size === 0) return places;
  const expired = new AbortController();
  let isOver = false;
  const translateAll = async (): Promise<void> => {
    for (const [url, ofUrl] of byUrl) {
      const map = await loadSourceMap(url, expired.signal);
      if (isOver) return;
      if (map !== undefined) for (const frame of ofUrl) translate(frame, map, places);
    }
  };
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, TIME_LIMIT_MS);
  });
  await Promise.race([translateAll(), limit]);
  clearTimeout(timer);
  isOver = true;
  expired.abort();
  return places;
}

function translate<Frame extends Pick<V8CallFrame, 'lineNumber' | 'columnNumber'>>(
  frame: Frame,
  map: SourceMap,
  places: Map<Frame, Place>,
): void {
  const entry = map.findEntry(frame.lineNumber, frame.columnNumber);
  // Where a line has no mapping, Node gives the last one of some line before.
  if (!('originalSource' in entry) || entry.generatedLine !== frame.lineNumber) return;
  const { originalSource: url, originalLine, originalColumn } = entry;
  if (typeof url !== 'string' || url === '') return;
  places.set(frame, { url, line: originalLine + 1, column: originalColumn + 1 });
}
