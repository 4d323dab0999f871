import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { renderReport } from '../../dist/report/html.js';
import type { HtmlOptions } from '../../dist/report/html.js';
import { escapeHtml, html } from '../../dist/report/markup.js';
import type { Ratio, Report, Row } from '../../dist/report/record.js';
import { EMPTY, ENVIRONMENT, figure, FULL, HOSTILE, HOSTILE_STRINGS, row } from './fixtures.ts';

const LIMIT = 400_000;
const renderHtml = (report: Report, options?: HtmlOptions): string => renderReport(report, options).front;
const textOf = (page: string): string => page.replaceAll(/<[^>]*>/g, '').replaceAll(/\s+/g, ' ');

const idsOf = (page: string): string[] => [...page.matchAll(/\sid="([^"]*)"/g)].map(([, id]) => id!);

/** The files that a page's links lead to, and the places in them, as a browser finds them; both as from the front page. */
const linksOf = (page: string, file: string): string[] => {
  const here = new URL(file.split('/').map(encodeURIComponent).join('/'), 'file:///x/');
  return [...page.matchAll(/<a [^>]*href="([^"]*)"/g)].map(([, href]) => {
    const { pathname, hash } = new URL(href!.replaceAll('&#39;', "'").replaceAll('&amp;', '&'), here);
    return `${decodeURIComponent(pathname.slice('/x/'.length))}${hash}`;
  });
};
/** The texts of the navigation. */
const sectionsOf = (page: string): string[] =>
  textOf(/<nav [^]*<\/nav>/.exec(page)![0].replaceAll('</li>', '|'))
    .split('|')
    .map((text) => text.trim());

describe('markup', () => {
  test('escapes what could end text or an attribute', () => {
    expect(escapeHtml(`<a href="x" title='y'>&\``)).toBe(
      '&lt;a href=&quot;x&quot; title=&#39;y&#39;&gt;&amp;&#96;',
    );
  });

  test('escapes strings, trusts its own markup, leaves out nothing but null, undefined and false', () => {
    const inner = html`<b>${'<i>'}</b>`;
    expect(html`<p title="${'"'}">${inner}${[inner, 0, '']}${null}${undefined}${false}</p>`.text).toBe(
      '<p title="&quot;"><b>&lt;i&gt;</b><b>&lt;i&gt;</b>0</p>',
    );
  });
});

describe('the page', () => {
  test.each([
    ['full', FULL],
    ['empty', EMPTY],
    ['hostile', HOSTILE],
  ])('is one file under 400 KB without script, request or NaN (%s)', (_, report) => {
    const page = renderHtml(report);
    expect(Buffer.byteLength(page)).toBeLessThan(LIMIT);
    const tags = page.replaceAll(/<style>.*?<\/style>/gs, '').match(/<[a-z][^>]*>/gi)!;
    for (const raw of tags) {
      const tag = raw.replaceAll(/"[^"]*"/g, '""');
      expect(tag).not.toMatch(/^<(script|img|iframe|object|embed|base|form|audio|video)\b/i);
      expect(tag).not.toMatch(/\s(src|srcset|action|data|on\w+)\s*=/i);
      const href = /\shref="([^"]*)"/.exec(raw)?.[1];
      if (href !== undefined) expect(href).toMatch(/^(#[\w-]+|data:,)$/);
    }
    expect(page).not.toMatch(/url\(|@import/);
    expect(textOf(page)).not.toMatch(/\b(NaN|Infinity|undefined|null|\[object)\b/);
    expect(page).not.toMatch(/[\u202A-\u202E\u2066-\u2069\0]/);
  });

  test.each(HOSTILE_STRINGS.filter((text) => /[<>"']/.test(text)))(
    'holds no hostile text unescaped: %j',
    (text) => {
      expect(renderHtml(HOSTILE)).not.toContain(text);
    },
  );

  test('forbids scripts and requests in its own head', () => {
    expect(renderHtml(FULL)).toMatch(
      /Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'/,
    );
  });

  const many = (count: number): Report => ({
    ...FULL,
    rows: Array.from({ length: count }, (_, index) => ({ ...FULL.rows[0]!, case: `case ${index}` })),
  });

  test('of few rows is one file', () => {
    const { front, parts } = renderReport(many(20));
    expect(front).toContain('Latency by quantile');
    expect(parts.size).toBe(0);
  });

  test('of 250 rows of six variants has pages beside it, each under the limit, each row in full on one of them', () => {
    const report = many(250);
    const { front, parts } = renderReport(report, { file: 'all rows.html' });
    for (const text of [front, ...parts.values()]) expect(Buffer.byteLength(text)).toBeLessThan(LIMIT);
    expect(front).toContain('Guide table');
    expect(front).not.toContain('What was measured');
    const shown = [...parts.values()].join('');
    for (const what of [
      '<figcaption>Latency by quantile',
      'What was measured',
      'How many times better ours is',
      'Measure again',
    ]) {
      expect(shown.split(what)).toHaveLength(251);
    }
    expect([...parts.keys()].slice(0, 3)).toEqual([
      'all rows-rows/losses.html',
      'all rows-rows/memory.html',
      'all rows-rows/memory-2.html',
    ]);
  });

  test.each(['all rows.html', 'run:1 #2?.html', "50% 'a'&b"])(
    'whose rows are on other pages leads to each of them, and they lead back (%s)',
    (name) => {
      const report = many(100);
      const flame = `${encodeURIComponent(`${name}-flames`)}/naive.svg`;
      const flames = new Map(report.rows.map((row) => [row, new Map([['naive', flame]])]));
      const { front, parts } = renderReport(report, { file: name, flames });
      const files = [[name, front] as const, ...parts];
      const places = new Set(
        files.flatMap(([file, text]) => [file, ...idsOf(text).map((id) => `${file}#${id}`)]),
      );
      for (const [file, text] of files) {
        const led = linksOf(text, file);
        const known = led.filter((to) => to !== `${name}-flames/naive.svg`);
        expect(known.filter((to) => !places.has(to))).toEqual([]);
      }
      const rows = linksOf(front, name).filter((to) => to.includes('#row-'));
      expect(new Set(rows).size).toBe(100);
      for (const [file, text] of parts) {
        const led = linksOf(text, file);
        for (const to of [name, `${name}#reading`, ...parts.keys()]) expect(led).toContain(to);
        expect(led.includes(`${name}-flames/naive.svg`)).toBe(!file.endsWith('losses.html'));
        expect(text.split(`aria-current="page">`)).toHaveLength(2);
      }
    },
  );

  test('with pages beside it has all losses on one of their own, and the worst on the front page', () => {
    const lost = (row: Row, index: number): Row => ({
      ...row,
      ratios: [
        {
          of: 'ours',
          over: 'rival',
          metric: 'time',
          ratio: index / 200,
          low: index / 210,
          high: index / 190,
        },
      ],
    });
    const report = many(100);
    const { front, parts } = renderReport({ ...report, rows: report.rows.map((row, i) => lost(row, i + 1)) });
    const cardsOf = (text: string): string[] =>
      [
        ...text.matchAll(
          /<div class="loss-head">\s*<a class="row-link" href="[^"]*"\s*><b><bdi>[^<]*<\/bdi><\/b> <bdi>(case \d+)/g,
        ),
      ].map(([, name]) => name!);
    const worstFirst = Array.from({ length: 100 }, (_, index) => `case ${index}`);
    const page = parts.get('report-rows/losses.html')!;
    expect(cardsOf(page)).toEqual(worstFirst);
    expect(cardsOf(front)).toEqual(worstFirst.slice(0, 5));
    expect(front).toContain('href="report-rows/losses.html">All 100 losses');
    expect(sectionsOf(front)[0]).toBe('Losses');
    for (const text of parts.values()) expect(sectionsOf(text).slice(0, 2)).toEqual(['Report', 'Losses']);
  });

  test('a loss names what was compared', () => {
    const losing = (metric: Ratio['metric'], unit?: string): Ratio => ({
      of: 'ours',
      over: 'naive',
      metric,
      ...(unit === undefined ? {} : { unit }),
      ratio: 0.5,
      low: 0.4,
      high: 0.6,
    });
    const ratios = [
      losing('time'),
      losing('time', 'ns p99 of the waits'),
      losing('bytes', 'B held'),
      losing('count', 'loads'),
      losing('rate', 'hits/read'),
    ];
    const page = textOf(renderHtml({ ...FULL, rows: [row({ ratios })] }));
    const cards = page.slice(page.indexOf('The worst comes first'), page.indexOf('Ours over the naive'));
    for (const words of [
      / time 0\.5/,
      /time: p99 of the waits 0\.5/,
      /bytes: held 0\.5/,
      /count: loads 0\.5/,
      /rate: hits\/read 0\.5/,
    ]) {
      expect(cards).toMatch(words);
    }
    expect(cards).toContain('ours is worse than naive');
    expect(cards).not.toContain('higher than');
  });

  test('a curve of a million points is drawn with few', () => {
    const x = Array.from({ length: 1_000_000 }, (_, index) => index);
    const page = renderHtml({ ...EMPTY, rows: [row({ series: [{ name: 'long', x, y: x }] })] });
    expect(Buffer.byteLength(page)).toBeLessThan(60_000);
  });

  test('losses come before the guide table, and the guide table before the rows', () => {
    const page = renderHtml(FULL);
    const places = [
      'id="losses"',
      'id="guide"',
      'id="package-memory"',
      'id="missing"',
      'id="environment"',
    ].map((id) => page.indexOf(id));
    expect(places).not.toContain(-1);
    expect(places).toEqual([...places].sort((a, b) => a - b));
  });

  test('the claims stand together, each with what its rows counted; a report without any has no such section', () => {
    const copied = (variant: string, kind: 'naive' | 'ours', value: number) =>
      figure(variant, kind, 'bytes', 'B of payload copied', value);
    const results = [copied('naive', 'naive', 2_000_000), copied('ours', 'ours', 0)];
    const page = renderHtml({ ...FULL, rows: [row({ id: 'M1', case: '1 MB', claim: 1, results })] });
    const section = textOf(page.slice(page.indexOf('id="claims"'), page.indexOf('id="package-')));
    expect(section).toContain('1. Zero copy');
    expect(section).toContain('ours 0 B of payload copied');
    expect(section).not.toContain('2. Batching');
    expect(renderHtml(FULL)).not.toContain('id="claims"');
  });

  test('flame graphs beside the page are linked from their row, and from no other', () => {
    const [first, second] = [row({ id: 'M1', case: '1 MB' }), row({ id: 'M2', case: '64 KiB' })];
    const flames = new Map([[first, new Map([['naive', 'report-flames/row-m1-1-mb-naive.svg']])]]);
    const page = renderHtml({ ...FULL, rows: [first, second] }, { flames });
    expect(page.split('href="report-flames/row-m1-1-mb-naive.svg"')).toHaveLength(2);
    expect(page.indexOf('Flame graphs')).toBe(page.lastIndexOf('Flame graphs'));
  });

  test('what is missing is said at the top and explained at the bottom', () => {
    const text = textOf(renderHtml(FULL));
    expect(text).toContain('This report is incomplete: 1 row failed and 1 row was left out');
    expect(text).toContain('REDIS_SERVER_BIN');
    expect(textOf(renderHtml(EMPTY))).not.toContain('incomplete');
  });

  test('each row has the command that measures it again, by the pinned package manager', () => {
    const pin = (
      JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
        packageManager: string;
      }
    ).packageManager;
    const page = renderHtml(FULL);
    for (const { id, case: name } of FULL.rows) {
      expect(page).toContain(`npx -y ${pin} bench --filter &quot;${escapeHtml(`${id} ${name}`)}&quot;`);
    }
    expect(renderHtml(FULL, { packageManager: 'pnpm@9' })).toContain('npx -y pnpm@9 bench');
  });

  test('a name that a shell would act on is quoted so that it cannot', () => {
    const report: Report = {
      schema: 1,
      environment: ENVIRONMENT,
      rows: [row({ id: 'M2', case: `$(reboot)'"` })],
    };
    expect(renderHtml(report)).toContain(`bench --filter &#39;M2 $(reboot)&#39;\\&#39;&#39;&quot;&#39;`);
  });

  test('ids in the page are unique, even for rows of one name', () => {
    const page = renderHtml({
      ...FULL,
      rows: [...FULL.rows, ...structuredClone(FULL.rows), ...HOSTILE.rows],
    });
    const ids = idsOf(page);
    expect(new Set(ids).size).toBe(ids.length);
  });
});
