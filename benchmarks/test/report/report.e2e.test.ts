// What runs inside the page is written here too, and needs its types.
/// <reference lib="dom" />

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { AxeResults } from 'axe-core';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { chromium } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { renderReport } from '../../dist/report/html.js';
import type { Report } from '../../dist/report/record.js';
import { CHROMIUM_FLAGS, findChromium } from './chromium.ts';
import { EMPTY, FULL, HOSTILE } from './fixtures.ts';

const executablePath = findChromium();
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
/** So many rows that they are on pages of their own, one of which is short. */
const LONG: Report = {
  ...FULL,
  rows: Array.from({ length: 50 }, (_, index) => ({
    ...FULL.rows[0]!,
    case: `case ${index}`,
    package: index === 0 ? 'memory' : 'cpu',
  })),
};
const LONG_HOSTILE: Report = {
  ...HOSTILE,
  rows: Array.from({ length: 5 }, () => HOSTILE.rows.map((row) => ({ ...row }))).flat(),
};
/** Whose axis goes to a million. */
const GREAT: Report = {
  ...FULL,
  rows: FULL.rows.slice(0, 1).map((row) => ({
    ...row,
    guide: { text: '500 µs → 5 ns (100,000×)', ratio: 100_000, basis: 'ratio' },
    ratios: [{ of: 'ours', over: 'naive', metric: 'time', ratio: 306_000, low: 23_100, high: 1_330_000 }],
  })),
};
const REPORTS: Readonly<Record<string, Report>> = {
  full: FULL,
  empty: EMPTY,
  hostile: HOSTILE,
  long: LONG,
  'long-hostile': LONG_HOSTILE,
};
const WRITTEN = { ...REPORTS, great: GREAT };
const LOSSES = ['long-rows/losses', 'long-hostile-rows/losses'];
const WIDE = { width: 1200, height: 900 };
const PHONE = { width: 360, height: 740 };
const NO_BROWSER = 'no Chromium found: set CHROMIUM_BIN or install one (apt-get install chromium)';

// A skipped test says why in its own name, and in a line of its own for reporters that do not show names.
const title =
  executablePath === undefined
    ? `the report in a browser [skipped: ${NO_BROWSER}]`
    : 'the report in a browser';
if (executablePath === undefined) console.warn(`report.e2e.test.ts is skipped: ${NO_BROWSER}`);

describe.skipIf(executablePath === undefined)(title, () => {
  let browser: Browser;
  let folder: string;
  let context: BrowserContext | undefined;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'hotpath-report-'));
    for (const [name, report] of Object.entries(WRITTEN)) {
      const options = { packageManager: 'pnpm@1.2.3', file: `${name}.html` };
      const { front, parts } = renderReport(report, options);
      writeFileSync(join(folder, `${name}.html`), front);
      for (const [file, text] of parts) {
        mkdirSync(dirname(join(folder, file)), { recursive: true });
        writeFileSync(join(folder, file), text);
      }
    }
    browser = await chromium.launch({ executablePath: executablePath!, args: CHROMIUM_FLAGS });
  });

  afterEach(async () => {
    await context?.close();
    context = undefined;
  });

  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  interface Opened {
    readonly page: Page;
    readonly requests: readonly string[];
    readonly complaints: readonly string[];
  }

  async function open(
    name: string,
    viewport = WIDE,
    colorScheme: 'light' | 'dark' = 'light',
    bypassCSP = false,
  ): Promise<Opened> {
    context = await browser.newContext({ viewport, colorScheme, offline: true, bypassCSP });
    const page = await context.newPage();
    const requests: string[] = [];
    const complaints: string[] = [];
    const file = pathToFileURL(join(folder, `${name}.html`)).href;
    page.on('request', (request) => {
      if (request.url() !== file && !request.url().startsWith('data:')) requests.push(request.url());
    });
    page.on('console', (message) => complaints.push(`${message.type()}: ${message.text()}`));
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('dialog', (dialog) => {
      complaints.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    await page.goto(file);
    return { page, requests, complaints };
  }

  test.each(Object.keys(REPORTS))(
    'the %s report opens offline without a request or a complaint',
    async (name) => {
      const { page, requests, complaints } = await open(name);
      expect(await page.locator('h1').textContent()).toContain('Benchmark report');
      expect(requests).toEqual([]);
      expect(complaints).toEqual([]);
    },
  );

  test('hostile names run nothing and make no element of their own', async () => {
    const { page } = await open('hostile', WIDE, 'light', true);
    expect(await page.evaluate(() => 'pwned' in globalThis)).toBe(false);
    expect(await page.locator('script, img, iframe, object, embed, [onload], [onerror]').count()).toBe(0);
    expect(await page.locator('style').count()).toBe(1);
    expect(await page.getByText('<script>globalThis.pwned = 1</script>').count()).toBeGreaterThan(0);
  });

  test.each([...Object.keys(REPORTS), ...LOSSES])(
    'on a phone the %s report does not scroll sideways',
    async (name) => {
      const { page } = await open(name, PHONE);
      const overflowing = await page.evaluate(() => {
        const wide = [...document.querySelectorAll('main *')].filter(
          (element) =>
            element.getBoundingClientRect().right > innerWidth + 1 && element.closest('svg') === null,
        );
        return wide.map((element) => `${element.tagName}.${element.className}`);
      });
      expect(overflowing).toEqual([]);
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(PHONE.width);
    },
  );

  /** What axe-core finds wrong, with all its rules or those of a tag; and the rules that were met. */
  async function axe(page: Page, tag?: string): Promise<{ readonly told: string[]; readonly met: string[] }> {
    // Of what passes one element a rule is enough.
    const options = {
      resultTypes: ['violations'],
      ...(tag === undefined ? {} : { runOnly: { type: 'tag', values: [tag] } }),
    };
    return page.evaluate(async (options) => {
      const { violations, passes } = await (
        globalThis as unknown as { axe: { run(options: object): Promise<AxeResults> } }
      ).axe.run(options);
      const told = violations.map(
        ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`,
      );
      return { told, met: passes.map(({ id }) => id) };
    }, options);
  }

  /** axe is injected, which the page's own policy forbids: hence the bypass. */
  async function openForAxe(name: string, viewport = WIDE): Promise<Page> {
    const { page } = await open(name, viewport, 'light', true);
    await page.addScriptTag({ path: AXE });
    return page;
  }

  test.each(['full', 'empty', 'hostile', 'long-rows/memory', ...LOSSES])(
    'the %s report passes axe-core, contrast included, in light and in dark',
    async (name) => {
      const page = await openForAxe(name);
      const light = await axe(page);
      expect(light.told).toEqual([]);
      expect(light.met).toContain('color-contrast');
      await page.emulateMedia({ colorScheme: 'dark' });
      // The elements are the same: only what is told of colours can differ.
      const dark = await axe(page, 'cat.color');
      expect(dark.told).toEqual([]);
      expect(dark.met).toContain('color-contrast');
    },
  );

  test('the full report passes axe-core on a phone, where its tables become blocks', async () => {
    expect((await axe(await openForAxe('full', PHONE))).told).toEqual([]);
  });

  test.each([
    ['wide', WIDE],
    ['phone', PHONE],
  ])('the tables are still tables to a screen reader (%s)', async (_, viewport) => {
    const { page } = await open('full', viewport);
    const table = page.getByRole('table', { name: 'Guide table' });
    expect(await table.getByRole('row').count()).toBe(FULL.rows.length + 1);
    expect(await table.getByRole('rowheader').count()).toBe(FULL.rows.length);
    const row = page.getByRole('row').filter({ hasText: 'B1' }).first();
    expect(await row.getByRole('cell').count()).toBe(5);
  });

  test.each([
    ['wide', WIDE],
    ['phone', PHONE],
  ])(
    'a figure of the guide with six digits stays on its line, and no label of the axis over another (%s)',
    async (_, viewport) => {
      const { page } = await open('great', viewport);
      const lines = await page.locator('.guide td[data-l="Guide"]').evaluateAll((cells) =>
        cells.map((cell) => {
          const text = document.createRange();
          text.selectNodeContents(cell);
          return text.getClientRects().length;
        }),
      );
      expect(new Set(lines)).toEqual(new Set([1]));
      const labels = await page
        .locator('.guide .plot-head text')
        .evaluateAll((all) =>
          all.map((label) => label.getBoundingClientRect()).map(({ left, right }) => [left, right]),
        );
      expect(labels.length).toBeGreaterThan(2);
      for (const [index, [left]] of labels.entries()) {
        if (index > 0) expect(left).toBeGreaterThanOrEqual(labels[index - 1]![1]!);
      }
    },
  );

  test('dark mode recolours the ground', async () => {
    const light = await open('full', WIDE, 'light');
    const ground = (page: Page): Promise<string> =>
      page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const before = await ground(light.page);
    await light.page.emulateMedia({ colorScheme: 'dark' });
    expect(await ground(light.page)).not.toBe(before);
  });

  test('the keyboard meets the skip link, the sections, what is missing, then the rows in their order', async () => {
    const { page } = await open('full');
    const stops: string[] = [];
    for (let stop = 0; stop < 17; stop++) {
      await page.keyboard.press('Tab');
      stops.push(await page.evaluate(() => document.activeElement?.textContent?.trim() ?? ''));
    }
    expect(stops).toEqual([
      'Skip to the content',
      'Losses',
      'Guide table',
      'Environment',
      'How to read this',
      'Missing',
      'What is missing, and how to get it',
      'M2 1000 × 64 KiB',
      'M5 10,000 fresh',
      ...FULL.rows.map((row) => `${row.id} ${row.case}`),
    ]);
    const outline = await page.evaluate(() => getComputedStyle(document.activeElement!).outlineStyle);
    expect(outline).toBe('solid');
  });

  test('every link leads to an element of the page', async () => {
    const { page } = await open('hostile');
    const broken = await page.evaluate(() =>
      [...document.querySelectorAll('a')]
        .map((link) => link.getAttribute('href') ?? '')
        .filter((href) => !href.startsWith('#') || document.getElementById(href.slice(1)) === null),
    );
    expect(broken).toEqual([]);
  });

  test('a row on another page is reached from the guide table, without a request but for that file', async () => {
    const { page, requests, complaints } = await open('long');
    await page.locator('.guide .row-link').first().press('Enter');
    await page.waitForURL('**/long-rows/memory.html#row-m2-case-0');
    await expect(page.locator('#row-m2-case-0').isVisible()).resolves.toBe(true);
    await page.getByRole('link', { name: 'Report', exact: true }).press('Enter');
    await page.waitForURL('**/long.html');
    expect(complaints).toEqual([]);
    expect(requests.filter((url) => !url.startsWith('file:'))).toEqual([]);
  });

  test('bars are drawn on their scale: longer for a greater ratio, leftward for a loss', async () => {
    const { page } = await open('full');
    const bars = await page.locator('#row-m2-1000-64-kib .ratios .bar').evaluateAll((all) =>
      all.map((bar) => {
        const { x, width } = bar.querySelector('rect')!.getBoundingClientRect();
        return { x, width, side: bar.querySelector('rect')!.getAttribute('class') };
      }),
    );
    expect(bars.map(({ side }) => side)).toEqual(['better', 'better', 'better', 'worse', 'floor']);
    expect(bars[1]!.width).toBeGreaterThan(bars[0]!.width);
    expect(bars[3]!.x).toBeLessThan(bars[0]!.x);
    expect(bars[3]!.x + bars[3]!.width).toBeCloseTo(bars[0]!.x, 0);
  });

  test('screenshots are taken for a person to look at', async () => {
    const shots = process.env['HOTPATH_SCREENSHOTS'] ?? folder;
    mkdirSync(shots, { recursive: true });
    for (const scheme of ['light', 'dark'] as const) {
      for (const [name, viewport] of Object.entries({ wide: WIDE, phone: PHONE })) {
        const { page } = await open('full', viewport, scheme);
        const image = await page.screenshot({
          path: join(shots, `report-${name}-${scheme}.png`),
          fullPage: true,
        });
        expect(image.byteLength).toBeGreaterThan(20_000);
        await context?.close();
      }
    }
  });
});
