import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sourcePlaces } from '../dist/source-maps/source-places.js';

// Line 1 of the compiled file is line 11 of the source, column 4; line 3 is line 21, column 0.
const MAP = { version: 3, sources: ['../src/main.ts'], names: [], mappings: 'AAUI;;AAUJ' };
const base64 = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64');

describe('the places of a profile', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'hotpath-maps-'));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  const write = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return pathToFileURL(join(folder, name)).href;
  };
  const place = async (url: string, lineNumber = 0, columnNumber = 5) => {
    const frame = { url, lineNumber, columnNumber };
    return (await sourcePlaces([frame])).get(frame);
  };
  const source = () => pathToFileURL(join(folder, '../src/main.ts')).href;

  test('are those of the sources where a map stands beside the file', async () => {
    write('beside.js.map', JSON.stringify(MAP));
    const url = write('beside.js', 'code\n\ncode\n//# sourceMappingURL=beside.js.map\n');
    expect(await place(url)).toEqual({ url: source(), line: 11, column: 5 });
    expect(await place(url, 2)).toEqual({ url: source(), line: 21, column: 1 });
    expect(await place(join(folder, 'beside.js'))).toEqual({ url: source(), line: 11, column: 5 });
  });

  test('are not invented for a line without a mapping', async () => {
    write('gap.js.map', JSON.stringify(MAP));
    const url = write('gap.js', 'code\n//# sourceMappingURL=gap.js.map');
    expect(await place(url, 1)).toBeUndefined();
    expect(await place(url, 99)).toBeUndefined();
  });

  test.each([
    ['base64', `data:application/json;charset=utf-8;base64,${base64(MAP)}`],
    ['plain text', `data:application/json,${encodeURIComponent(JSON.stringify(MAP))}`],
  ])('are those of the sources where the map is in the file, as %s', async (_, link) => {
    const url = write('inline.js', `code\n//# sourceMappingURL=${link}\n`);
    expect(await place(url)).toEqual({ url: source(), line: 11, column: 5 });
  });

  test('respect sourceRoot and other schemes', async () => {
    const inline = (map: object) => `code\n//# sourceMappingURL=data:application/json;base64,${base64(map)}`;
    const rooted = write('rooted.js', inline({ ...MAP, sourceRoot: '/project', sources: ['a.ts'] }));
    expect(await place(rooted)).toMatchObject({ url: 'file:///project/a.ts' });
    const bundled = write('bundled.js', inline({ ...MAP, sources: ['webpack://app/./a.ts'] }));
    expect(await place(bundled)).toMatchObject({ url: 'webpack://app/a.ts' });
  });

  const section = (line: number, column: number, map: object = MAP) => ({ offset: { line, column }, map });
  const indexed = (...sections: object[]) => ({ version: 3, sections });

  test('are those of the sources where the map is put together of sections', async () => {
    const second = { ...MAP, sources: ['b.ts'], sourceRoot: '/project', names: undefined };
    write('index.js.map', JSON.stringify(indexed(section(0, 0), section(4, 10, second))));
    const url = write('index.js', 'code\n\n\n\ncode\n//# sourceMappingURL=index.js.map\n');
    expect(await place(url)).toEqual({ url: source(), line: 11, column: 5 });
    expect(await place(url, 2)).toEqual({ url: source(), line: 21, column: 1 });
    expect(await place(url, 4, 9)).toBeUndefined();
    expect(await place(url, 4, 10)).toEqual({ url: 'file:///project/b.ts', line: 11, column: 5 });
    expect(await place(url, 6, 0)).toEqual({ url: 'file:///project/b.ts', line: 21, column: 1 });
  });

  test.each([
    ['a map elsewhere', { offset: { line: 0, column: 0 }, url: 'other.map' }],
    ['a map of another version', section(0, 0, { ...MAP, version: 2 })],
    ['sections of its own', section(0, 0, indexed(section(0, 0)))],
    ['no offset', { map: MAP }],
    ['an offset before the file', section(-1, 0)],
    ['an offset between columns', section(0, 0.5)],
    ['nothing', null],
  ])('stay as they are where a section has %s', async (_, broken) => {
    const map = { version: 3, sections: [section(0, 0), broken] };
    const url = write(
      'sections.js',
      `code\n//# sourceMappingURL=data:application/json;base64,${base64(map)}`,
    );
    expect(await place(url)).toBeUndefined();
  });

  test.each([
    ['is missing', 'nowhere.map'],
    ['is a folder', '.'],
    ['is a device that never ends', '/dev/zero'],
    ['is elsewhere on the net', 'https://example.invalid/a.map'],
    ['is no URL', 'file://%%%'],
    ['is no JSON', `data:application/json;base64,${Buffer.from('{').toString('base64')}`],
    ['is null', `data:application/json;base64,${base64(null)}`],
    ['is of another version', `data:application/json;base64,${base64({ ...MAP, version: 2 })}`],
    ['has no sources', `data:application/json;base64,${base64({ ...MAP, sources: undefined })}`],
    ['has sources of numbers', `data:application/json;base64,${base64({ ...MAP, sources: [1] })}`],
    [
      'has mappings of other characters',
      `data:application/json;base64,${base64({ ...MAP, mappings: 'A!é' })}`,
    ],
    [
      'names a source that is not there',
      `data:application/json;base64,${base64({ ...MAP, mappings: 'AzzzzzUI' })}`,
    ],
    ['is empty', ''],
  ])(
    'stay as they are where the map %s',
    async (_, link) => {
      const url = write('broken.js', `code\n//# sourceMappingURL=${link}\n`);
      expect(await place(url)).toBeUndefined();
    },
    15_000,
  );

  test('are some place, at once, where the map ends within a mapping', async () => {
    const cut = base64({ ...MAP, mappings: 'gggggg' });
    const url = write('cut.js', `code\n//# sourceMappingURL=data:application/json;base64,${cut}`);
    expect(await place(url)).toMatchObject({ url: source() });
  });

  test.each(['file:///nowhere/at/all.js', 'node:fs', '', 'evalmachine.<anonymous>', 'file:///dev/zero'])(
    'stay as they are where the file cannot be read: %j',
    async (url) => {
      expect(await place(url)).toBeUndefined();
    },
  );

  test('stay as they are where the file is a pipe that nobody writes to', async () => {
    await promisify(execFile)('mkfifo', [join(folder, 'pipe.js')]);
    expect(await place(pathToFileURL(join(folder, 'pipe.js')).href)).toBeUndefined();
  });

  test('are read once a file, for any number of frames', async () => {
    const url = write('many.js', `code\n//# sourceMappingURL=data:application/json;base64,${base64(MAP)}`);
    const frames = Array.from({ length: 1000 }, (_, columnNumber) => ({ url, lineNumber: 0, columnNumber }));
    expect((await sourcePlaces(frames)).size).toBe(1000);
  });
});
