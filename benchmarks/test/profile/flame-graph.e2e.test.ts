// What runs inside the page is written here too, and needs its types.
/// <reference lib="dom" />

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { CallNode } from '@hotpath/profile';
import { flameGraph } from '@hotpath/profile';
import type { Browser, Page } from 'playwright-core';
import { chromium } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { CHROMIUM_FLAGS, findChromium } from '../report/chromium.ts';

const executablePath = findChromium();
const NO_BROWSER = 'no Chromium found: set CHROMIUM_BIN or install one (apt-get install chromium)';
const title = `a flame graph in a browser${executablePath === undefined ? ` [skipped: ${NO_BROWSER}]` : ''}`;
if (executablePath === undefined) console.warn(`flame-graph.e2e.test.ts is skipped: ${NO_BROWSER}`);

function call(name: string, self: number, ...children: CallNode[]): CallNode {
  const total = children.reduce((sum, child) => sum + child.total, self);
  return { name, url: 'file:///app/main.js', line: 3, column: 1, self, total, children };
}

const HOSTILE = `</title><script>globalThis.pwned = 1</script>" onload="pwned=1" ]]>&<\u0000\u{D800}`;
const PLAIN = call(
  'main',
  10,
  call('parse', 40, call('scan', 20, call('next', 10))),
  call('write', 20, call('encode', 10)),
);
const BEFORE = call('main', 10, call('parse', 90, call('scan', 60)), call('log', 20));
const GRAPHS: Readonly<Record<string, string>> = {
  plain: flameGraph(PLAIN, { title: 'Plain' }),
  hostile: flameGraph(call(HOSTILE, 1, call(HOSTILE, 1)), { title: HOSTILE }),
  difference: flameGraph(PLAIN, { before: BEFORE }),
};

describe.skipIf(executablePath === undefined)(title, () => {
  let browser: Browser;
  let folder: string;
  let page: Page;
  let complaints: string[];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'hotpath-flame-'));
    for (const [name, svg] of Object.entries(GRAPHS)) writeFileSync(join(folder, `${name}.svg`), svg);
    browser = await chromium.launch({ executablePath: executablePath!, args: CHROMIUM_FLAGS });
  });

  afterEach(async () => {
    await page.context().close();
  });

  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function open(name: string, width = 1000): Promise<void> {
    const context = await browser.newContext({ viewport: { width, height: 400 }, offline: true });
    page = await context.newPage();
    complaints = [];
    const file = pathToFileURL(join(folder, `${name}.svg`)).href;
    page.on('request', (request) => {
      if (request.url() !== file) complaints.push(`request of ${request.url()}`);
    });
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(file);
  }

  const frame = (name: string) => page.locator('svg.f', { has: page.locator(`text="${name}"`) });

  /** Labels of the frames that are drawn, with their widths in percent of the graph. */
  async function shown(): Promise<Record<string, number>> {
    const entries = await page
      .locator('svg.f')
      .evaluateAll((frames) =>
        frames
          .filter((frame) => getComputedStyle(frame).display !== 'none')
          .map((frame): [string, number] => [
            frame.querySelector('text')!.textContent,
            Math.round((frame.querySelector('rect')!.getBoundingClientRect().width / innerWidth) * 100),
          ]),
      );
    return Object.fromEntries(entries);
  }

  test.each(Object.keys(GRAPHS))(
    'is well-formed, asks for nothing and complains of nothing: %s',
    async (name) => {
      await open(name);
      expect(await page.evaluate(() => document.documentElement.localName)).toBe('svg');
      expect(await page.locator('parsererror').count()).toBe(0);
      expect(await page.locator('svg.f').count()).toBeGreaterThan(1);
      expect(complaints).toEqual([]);
    },
  );

  test('zooms into a frame on a click, and out again', async () => {
    await open('plain');
    const whole = await shown();
    expect(whole).toEqual({ main: 100, parse: 64, scan: 27, next: 9, write: 27, encode: 9 });
    await frame('parse').click();
    expect(await shown()).toEqual({ main: 100, parse: 100, scan: 43, next: 14 });
    await frame('scan').click();
    expect(await shown()).toEqual({ main: 100, parse: 100, scan: 100, next: 33 });
    await page.getByRole('button', { name: 'Reset zoom' }).click();
    expect(await shown()).toEqual(whole);
  });

  test('marks what is searched for and tells its share, nested frames counted once', async () => {
    await open('plain');
    await page.getByRole('searchbox').fill('N');
    const hits = await page.locator('svg.f.hit text').allTextContents();
    expect(hits).toEqual(['main', 'scan', 'next', 'encode']);
    expect(await page.getByRole('status').textContent()).toBe('4 frames, 100.0 %');
    await page.getByRole('searchbox').fill('sca');
    expect(await page.getByRole('status').textContent()).toBe('1 frame, 27.3 %');
    const fill = (name: string) =>
      frame(name).evaluate((frame) => getComputedStyle(frame.querySelector('rect')!).opacity);
    expect([await fill('scan'), await fill('parse')]).toEqual(['1', '0.3']);
    await page.keyboard.press('Escape');
    expect(await page.locator('svg.f.hit').count()).toBe(0);
    expect(await page.getByRole('status').textContent()).toBe('');
  });

  test('can be walked and zoomed by keys', async () => {
    await open('plain');
    const focused = () => page.evaluate(() => document.activeElement?.querySelector('text')?.textContent);
    await frame('main').focus();
    const walk: (string | null | undefined)[] = [];
    for (const key of ['ArrowDown', 'ArrowDown', 'ArrowUp', 'ArrowRight', 'ArrowDown', 'ArrowUp']) {
      await page.keyboard.press(key);
      walk.push(await focused());
    }
    expect(walk).toEqual(['parse', 'scan', 'parse', 'write', 'encode', 'write']);
    await page.keyboard.press('Enter');
    expect(await shown()).toEqual({ main: 100, write: 100, encode: 33 });
    await page.keyboard.press('Escape');
    expect(Object.keys(await shown())).toHaveLength(6);
  });

  test('tells what is under the pointer', async () => {
    await open('difference');
    await frame('scan').hover();
    expect(await page.locator('#shown').textContent()).toContain('60 ms before, 30 ms after (−50.0 %)');
  });

  test.each(Object.keys(GRAPHS))(
    'what stands above the frames is whole on a phone, and over none of them: %s',
    async (name) => {
      await open(name, 360);
      const above = page.locator('.title:visible, .told:visible, #controls input, #controls button');
      const boxes = async (): Promise<DOMRect[]> =>
        (await Promise.all((await above.all()).map((part) => part.boundingBox()))) as unknown as DOMRect[];
      for (const { x, width } of await boxes()) {
        expect(x).toBeGreaterThanOrEqual(0);
        expect(x + width).toBeLessThanOrEqual(360);
      }
      expect(await boxes()).toHaveLength(4);
      await page.getByRole('searchbox').fill('n');
      const top = (await page.locator('svg.f').first().boundingBox())!.y;
      for (const { y, height } of await boxes()) expect(y + height).toBeLessThanOrEqual(top);
      const last = (await page.locator('svg.f').last().boundingBox())!;
      expect(
        await page.evaluate(() => document.documentElement.getBoundingClientRect().height),
      ).toBeGreaterThan(last.y + last.height);
    },
  );

  test('runs nothing that a name brings along', async () => {
    await open('hostile');
    expect(await page.evaluate(() => 'pwned' in globalThis)).toBe(false);
    expect(await page.locator('script').count()).toBe(1);
    expect(await page.locator('[onload]').count()).toBe(0);
    expect(await page.locator('svg.f text').first().textContent()).toContain('<script>globalThis.pwned = 1');
  });
});
