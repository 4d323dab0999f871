/**
 * The page's style. Colours are named once for light and once for dark; every pair of text and ground was chosen for a
 * contrast of at least 4.5, every line of a plot for 3. Nothing here comes from a report.
 */

const LIGHT = `
  --ground: #f7f7f5; --card: #ffffff; --ink: #16191d; --soft: #545d68; --rule: #e2e3e0; --grid: #e3e4e1; --one: #7d858e;
  --link: #0b57a4; --focus: #0b57a4; --code: #f0f1ee;
  --ours: #0b7a6f; --naive: #7b838d; --floor: #8a7f5c;
  --better: #2f9e8f; --worse: #d9822b; --level: #98a1ab; --whisker: #16191d; --goal: #b4246b;
  --peer-1: #2f6fd0; --peer-2: #a8580b; --peer-3: #8546c4; --peer-4: #b4246b; --peer-5: #4f7d1a; --peer-6: #0f7fa6;
  --green: #14633a; --green-bg: #e2f3e8; --amber: #7a4600; --amber-bg: #fcedd0; --blue: #1d4ea8; --blue-bg: #e6eefc;
  --violet: #5b3fa8; --violet-bg: #eee9fb; --grey: #4a5360; --grey-bg: #eaecef; --red: #a01828; --red-bg: #fce4e7;
  --t-green: #2e9e63; --t-amber: #d9922b; --t-blue: #4a7fd6; --t-violet: #8b6fd6; --t-grey: #a9b1ba; --t-red: #cf3b4d;`;

const DARK = `
  --ground: #101317; --card: #171b21; --ink: #e8ebee; --soft: #a3acb7; --rule: #2a3038; --grid: #2b323b; --one: #6d7681;
  --link: #8cc0ff; --focus: #8cc0ff; --code: #20262e;
  --ours: #3fd0bf; --naive: #98a2ae; --floor: #b8a976;
  --better: #2ba897; --worse: #d98a3d; --level: #6f7985; --whisker: #f2f4f6; --goal: #ff8cc3;
  --peer-1: #7aaeff; --peer-2: #f0a35c; --peer-3: #c69bf5; --peer-4: #ff8cc3; --peer-5: #a5cf6a; --peer-6: #6ac9ec;
  --green: #86e3ae; --green-bg: #13331f; --amber: #f5cb7f; --amber-bg: #3a2a0a; --blue: #a6c8ff; --blue-bg: #16294a;
  --violet: #cdbcff; --violet-bg: #2a2248; --grey: #bcc5cf; --grey-bg: #272d35; --red: #ffacb5; --red-bg: #46151d;
  --t-green: #3cb878; --t-amber: #e0a24a; --t-blue: #6f9fee; --t-violet: #a48cee; --t-grey: #6f7985; --t-red: #e5606f;`;

const FRAME = `
* { box-sizing: border-box; }
html { color-scheme: light dark; -webkit-text-size-adjust: 100%; scroll-padding-top: 3.5rem; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; overflow-wrap: anywhere; }
.page { max-width: 1120px; margin: 0 auto; padding: 0 24px 96px; }
a { color: var(--link); text-underline-offset: 2px; text-decoration-thickness: 1px; }
a:focus-visible, main:focus-visible { outline: 2px solid var(--focus); outline-offset: 2px; border-radius: 3px; }
main:focus { outline: none; }
.skip { position: absolute; left: 16px; top: -60px; padding: 8px 14px; background: var(--card); border-radius: 6px; z-index: 3; }
.skip:focus { top: 12px; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
svg { display: block; overflow: visible; }
symbol { overflow: visible; }
svg text { text-anchor: middle; font-size: 11.5px; font-weight: 400; fill: var(--soft); font-variant-numeric: tabular-nums; }
text.first, .y text { text-anchor: start; } text.last { text-anchor: end; }
h1, h2, h3, p, ul, dl, dd, figure, table { margin: 0; padding: 0; }
ul { list-style: none; }
header { padding: 48px 0 24px; }
.brand { font-size: 13px; font-weight: 600; letter-spacing: .08em; text-transform: uppercase; color: var(--ours); }
h1 { font-size: clamp(28px, 5vw, 38px); line-height: 1.15; letter-spacing: -.02em; font-weight: 680; margin: 4px 0 8px; }
.subtitle { color: var(--soft); }
.tally { width: 100%; margin-top: 28px; border-radius: 5px; overflow: hidden; }
.tally-legend { display: flex; flex-wrap: wrap; gap: 6px 20px; margin-top: 12px; color: var(--soft); font-size: 14px; }
.tally-legend b { color: var(--ink); font-variant-numeric: tabular-nums; }
.tally-legend .mark { display: inline-block; min-width: 1em; background: none; }
nav { position: sticky; top: 0; z-index: 2; background: var(--ground); border-bottom: 1px solid var(--rule); margin: 0 -24px; padding: 0 24px; }
nav ul { display: flex; flex-wrap: wrap; gap: 0 22px; }
nav a { display: block; padding: 11px 0; text-decoration: none; font-size: 14px; font-weight: 550; color: var(--soft); }
nav a:hover { color: var(--ink); }
nav a[aria-current] { color: var(--ink); box-shadow: inset 0 -2px var(--ink); }
nav a.nav-alarm { color: var(--red); }
section { padding-top: 44px; }
h2 { font-size: 21px; letter-spacing: -.01em; line-height: 1.3; font-weight: 650; margin-bottom: 6px; }
.lead { color: var(--soft); max-width: 72ch; margin-bottom: 16px; }
.losses + .lead { margin-top: 12px; }
.none { color: var(--soft); padding: 16px 20px; background: var(--card); border: 1px solid var(--rule); border-radius: 10px; }
.alarm { margin-top: 24px; padding: 14px 18px; background: var(--red-bg); color: var(--red); border-radius: 10px; border-left: 5px solid var(--t-red); }
.alarm a { color: inherit; font-weight: 600; }
.chip { display: inline-block; padding: 1px 9px; border-radius: 99px; font-size: 13px; font-weight: 600; white-space: nowrap; line-height: 1.6; }
.v-reproduced.chip { color: var(--green); background: var(--green-bg); } .v-reproduced .mark { color: var(--t-green); } .t-reproduced { fill: var(--t-green); }
.v-short.chip, .v-loss.chip { color: var(--amber); background: var(--amber-bg); } .v-short .mark { color: var(--amber); } .t-short { fill: var(--t-amber); }
.v-inconclusive.chip { color: var(--violet); background: var(--violet-bg); } .v-inconclusive .mark { color: var(--violet); } .t-inconclusive { fill: var(--t-violet); }
.v-measured.chip { color: var(--blue); background: var(--blue-bg); } .v-measured .mark { color: var(--blue); } .t-measured { fill: var(--t-blue); }
.v-not-applicable.chip { color: var(--grey); background: var(--grey-bg); } .v-not-applicable .mark { color: var(--grey); } .t-not-applicable { fill: var(--t-grey); }
.v-left-out.chip, .v-failed.chip { color: var(--red); background: var(--red-bg); } .v-left-out .mark, .v-failed .mark { color: var(--red); } .t-left-out, .t-failed { fill: var(--t-red); }
.v-reproduced .mark { color: var(--green); }`;

const LISTS = `
.losses { display: grid; gap: 10px; }
.losses > li { background: var(--card); border: 1px solid var(--rule); border-left: 4px solid var(--t-amber); border-radius: 10px; padding: 12px 18px; }
.losses p { color: var(--soft); }
.loss-head { display: flex; flex-wrap: wrap; align-items: center; gap: 4px 12px; }
.metric { font-size: 13px; color: var(--soft); }
.row-link { color: inherit; text-decoration-color: var(--one); }
.row-link:hover { text-decoration-color: currentColor; }
.row-link b { font-weight: 680; }
#claims ~ h3 { margin: 16px 0 8px; }
.claims > li { border-left-color: var(--t-green); }
.missing .losses > li { border-left-color: var(--t-red); }
.missing h3 { font-size: 15px; margin: 14px 0 8px; color: var(--red); }
.missing > p { margin-top: 16px; }
.missing > ul:last-child { list-style: disc; padding-left: 20px; color: var(--soft); }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 320px), 1fr)); gap: 0 32px; background: var(--card); border: 1px solid var(--rule); border-radius: 10px; padding: 8px 20px; }
.facts div { display: grid; grid-template-columns: minmax(90px, 130px) minmax(0, 1fr); gap: 12px; padding: 8px 0; font-size: 14px; }
dt { color: var(--soft); }
.verdicts { margin: 14px 0; display: grid; gap: 6px; }
.verdicts div { display: grid; grid-template-columns: 140px minmax(0, 1fr); gap: 12px; align-items: baseline; }
#reading ~ p { max-width: 76ch; color: var(--soft); }
#reading ~ p b { color: var(--ink); }`;

const TABLES = `
table { width: 100%; border-collapse: collapse; }
caption { text-align: left; font-size: 13px; font-weight: 600; color: var(--soft); padding: 0 0 2px; }
th { text-align: left; font-weight: 400; vertical-align: baseline; }
thead th { font-size: 13px; color: var(--soft); font-weight: 550; }
.num b { font-weight: 650; white-space: nowrap; }
.num { text-align: right; font-variant-numeric: tabular-nums; }
small { color: var(--soft); font-size: 13px; white-space: nowrap; }
.guide { display: block; background: var(--card); border: 1px solid var(--rule); border-radius: 12px; padding: 8px 20px 4px; }
.guide thead, .guide tbody { display: block; }
.guide tr { display: grid; grid-template-columns: minmax(120px, 1.1fr) 76px 96px minmax(120px, 1.6fr) 138px; gap: 0 16px; align-items: center; padding: 12px 0 10px; border-top: 1px solid var(--rule); }
.guide thead tr { border-top: 0; padding: 6px 0 2px; align-items: end; position: relative; }
.why-head { position: absolute; }
.guide .why { grid-column: 1 / -1; color: var(--soft); font-size: 14px; padding: 2px 0 0; }
.guide small { display: block; line-height: 1.2; font-size: 12.5px; }
.guide td[data-l="Guide"] { color: var(--soft); white-space: nowrap; }
.bar, .axis { width: 100%; } .axis { height: 18px; }
.key { white-space: nowrap; } .key svg { display: inline-block; vertical-align: -2px; }
.row { background: var(--card); border: 1px solid var(--rule); border-radius: 12px; padding: 18px 20px 16px; margin-top: 14px; scroll-margin-top: 56px; }
.row:target { border-color: var(--link); box-shadow: 0 0 0 1px var(--link); }
.row-head { display: flex; flex-wrap: wrap; justify-content: space-between; align-items: baseline; gap: 4px 16px; }
h3 { font-size: 17px; line-height: 1.35; font-weight: 650; }
h3 .id { display: inline-block; min-width: 2.2em; color: var(--ours); font-variant-numeric: tabular-nums; }
.reason { color: var(--soft); margin-top: 2px; max-width: 110ch; }
.guide-text { color: var(--ink); }
.row table { margin-top: 20px; }
.ratios { display: block; } .ratios caption, .ratios thead, .ratios tbody { display: block; }
.ratios tr { display: grid; grid-template-columns: minmax(110px, 1fr) minmax(140px, 2.2fr) 190px 64px; gap: 0 18px; align-items: center; padding: 2px 0; }
.ratios thead tr { align-items: end; }
.ratios .num { display: grid; grid-template-columns: 1fr 104px; align-items: baseline; gap: 8px; } .ratios thead .num { display: block; }
.ratios .says { font-size: 13px; color: var(--soft); }
.results { width: auto; min-width: min(100%, 460px); }
.results th, .results td { padding: 6px 0 6px 22px; border-top: 1px solid var(--rule); font-size: 14px; vertical-align: top; }
.results thead th { border-top: 0; font-size: 12.5px; vertical-align: bottom; }
.results th:first-child { padding-left: 0; }
.results td:empty::after { content: "–"; color: var(--soft); }
.results small { display: block; font-size: 12px; line-height: 1.3; }
.kind { font-size: 12px; color: var(--soft); }
.k-ours { color: var(--ours); font-weight: 650; }
.notes { margin-top: 16px; padding-left: 14px; border-left: 3px solid var(--rule); color: var(--soft); font-size: 14px; }
.params { margin-top: 14px; display: flex; flex-wrap: wrap; gap: 2px 18px; font-size: 13.5px; color: var(--soft); }
.params b { font-weight: 550; color: var(--ink); }
.command { margin-top: 14px; display: flex; flex-wrap: wrap; gap: 4px 12px; align-items: baseline; font-size: 13px; color: var(--soft); }
code { font: 12.5px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; background: var(--code); color: var(--ink); padding: 3px 8px; border-radius: 6px; user-select: all; }`;

const PLOTS = `
.grid { stroke: var(--grid); } .one { stroke: var(--one); }
.bar { height: 24px; } .bar rect { y: 5px; height: 14px; } .better { fill: var(--better); } .worse { fill: var(--worse); } .same { fill: var(--level); } .floor { fill: var(--level); opacity: .55; }
.bar .ci { y: 10.5px; height: 3px; fill: var(--whisker); }
.goal { fill: var(--goal); stroke: var(--card); stroke-width: 1.5; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 340px), 1fr)); gap: 24px 40px; margin-top: 24px; }
.plot { min-width: 0; max-width: 640px; }
.plot > svg { width: 100%; height: 230px; }
figcaption { font-size: 13px; font-weight: 600; color: var(--soft); }
polyline { fill: none; stroke: var(--c); stroke-width: 2; vector-effect: non-scaling-stroke; stroke-linejoin: round; stroke-linecap: round; }
.plot circle { r: 3px; fill: var(--c); stroke: var(--card); stroke-width: 1; stroke-dasharray: none; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; font-size: 13px; margin-top: 6px; }
.legend li::before { content: ""; display: inline-block; width: 20px; vertical-align: 4px; margin-right: 7px; border-top: 2px solid var(--c); }
.l-ours { --c: var(--ours); stroke-width: 3; } .l-naive { --c: var(--naive); stroke-dasharray: 7 4; } .l-floor { --c: var(--floor); stroke-dasharray: 2 4; }
.l-p1 { --c: var(--peer-1); } .l-p2 { --c: var(--peer-2); stroke-dasharray: 10 3; } .l-p3 { --c: var(--peer-3); stroke-dasharray: 5 3; }
.l-p4 { --c: var(--peer-4); stroke-dasharray: 10 3 2 3; } .l-p5 { --c: var(--peer-5); stroke-dasharray: 3 3; } .l-p6 { --c: var(--peer-6); stroke-dasharray: 12 4 4 4; }
.legend .l-naive::before, .legend .l-p2::before, .legend .l-p3::before, .legend .l-p4::before, .legend .l-p6::before { border-top-style: dashed; } .legend .l-floor::before, .legend .l-p5::before { border-top-style: dotted; }
.legend .l-ours::before { border-top-width: 3px; }`;

const PHONE = `
@media (max-width: 760px) {
  .page { padding: 0 16px 64px; }
  header { padding: 28px 0 18px; }
  nav { margin: 0 -16px; padding: 0 16px; }
  nav ul { flex-wrap: nowrap; overflow-x: auto; gap: 0 20px; scrollbar-width: none; }
  nav a { white-space: nowrap; }
  section { padding-top: 32px; }
  .guide { padding: 2px 16px; }
  .guide thead tr, .ratios thead tr { grid-template-columns: 1fr; }
  .guide thead th:not(.plot-head), .ratios thead th:not(.plot-head) { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
  .guide tr { grid-template-columns: auto auto 1fr; gap: 4px 22px; padding: 14px 0; align-items: start; }
  .guide tbody th { grid-column: 1 / -1; font-size: 16px; }
  .guide td.num b { font-weight: 650; white-space: nowrap; }
.num { text-align: left; }
  .guide .num::before { content: attr(data-l) " "; display: block; font-size: 12px; color: var(--soft); font-weight: 400; }
  .guide small { display: inline; }
  .verdict-cell { justify-self: end; grid-row: 2; grid-column: 3; align-self: start; padding-top: 10px; }
  .guide .plot-cell { grid-column: 1 / -1; }
  .row { padding: 16px; }
  .ratios tr { grid-template-columns: 1fr auto; gap: 0 12px; padding: 6px 0; }
  .ratios .plot-cell { grid-column: 1 / -1; grid-row: 2; }
  .ratios .num { display: flex; gap: 8px; }
  .ratios .says, .results td:empty { display: none; }
  .results, .results tbody { display: block; min-width: 0; } .results caption { display: block; }
  .results thead { display: none; }
  .results tr { display: grid; grid-template-columns: 1fr 1fr; gap: 2px 16px; padding: 10px 0; border-top: 1px solid var(--rule); }
  .results th, .results td { border: 0; padding: 0; text-align: left; }
  .results th { grid-column: 1 / -1; font-weight: 600; }
  .results td::before { content: attr(data-l) " "; color: var(--soft); font-size: 12px; display: block; }
  .results td { min-width: 0; } .results td b, .results td small { white-space: normal; }
  .verdicts div { grid-template-columns: 1fr; gap: 0; }
}
@media print { nav, .skip { display: none; } .row, .losses > li { break-inside: avoid; } .page { max-width: none; } }`;

/** Text that stands between `<style>` and `</style>`. */
export const STYLE: string = compact(
  `:root {${LIGHT}}@media (prefers-color-scheme: dark) { :root {${DARK}} }${FRAME}${LISTS}${TABLES}${PLOTS}${PHONE}`,
);

function compact(css: string): string {
  return css.replaceAll(/\s*\n\s*/g, '').replaceAll(/\s*([{};])\s*/g, '$1');
}
