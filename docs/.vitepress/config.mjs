import { readdirSync } from 'node:fs';
import { defineConfig } from 'vitepress';

/** Every page of a folder as an entry of the side bar. */
const pagesOf = (folder, skip = []) =>
  readdirSync(new URL(`../${folder}`, import.meta.url))
    .filter((file) => file.endsWith('.md') && !skip.includes(file))
    .sort()
    .map((file) => ({ text: file.replace(/\.md$/, ''), link: `/${folder}/${file.replace(/\.md$/, '')}` }));

const PACKAGES = ['memory', 'cpu', 'io', 'database', 'cache', 'profile'];

export default defineConfig({
  title: 'Hotpath',
  description: 'Performance primitives for Node services, and the benchmarks that prove them',
  srcExclude: ['**/0000-template.md'],
  // Pages link to READMEs and sources beside this folder, as plain Markdown should.
  ignoreDeadLinks: true,
  rewrites: { 'README.md': 'index.md' },
  // Where a signature has angle brackets, they are text and not components.
  markdown: { html: false },
  themeConfig: {
    search: { provider: 'local' },
    sidebar: [
      { text: 'Start', link: '/guide/start' },
      { text: 'Guide', items: pagesOf('guide', ['start.md']) },
      { text: 'API', items: PACKAGES.map((name) => ({ text: name, link: `/reference/${name}/` })) },
      { text: 'Decisions', collapsed: true, items: pagesOf('decisions', ['0000-template.md']) },
    ],
  },
});
