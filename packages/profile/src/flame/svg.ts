/**
 * A flame graph as one SVG file: root at the top, each frame as wide as its share. It is whole without its script, so
 * it shows as an image too; the script adds zoom and search. Every frame is an `<svg>` of its own, because that clips
 * its label at its edge and takes its place in percent, so that zooming sets two attributes. Pure.
 */

import { formatAmount, formatChange, formatShare } from './amounts.ts';
import type { FlameUnit } from './amounts.ts';
import { escapeXml, shorten } from './escape.ts';
import type { Frame } from './frames.ts';
import type { Box } from './layout.ts';
import { STYLE, VIEWER } from './viewer.ts';

export interface Drawing {
  readonly title: string;
  readonly unit: FlameUnit;
  /** Over an earlier tree: coloured by change. */
  readonly isDifference: boolean;
}

const ROW = 18;
const HEAD = 84;
const FOOT = 12;
// A name may be a whole program; these keep a frame under a kilobyte.
const NAME_LENGTH = 100;
const URL_LENGTH = 140;
/** Changes of less than this share of the whole are drawn as none. */
const LEAST_CHANGE = 0.001;
const CHANGE_STEPS = 4;

export function renderSvg(boxes: readonly Box[], drawing: Drawing): string {
  const deepest = boxes.reduce((most, { depth }) => Math.max(most, depth), 0);
  const height = HEAD + (deepest + 1) * ROW + FOOT;
  const title = escapeXml(shorten(drawing.title, NAME_LENGTH));
  const classOf = drawing.isDifference ? changeClasses(boxes) : kindClass;
  const told = escapeXml(headLine(boxes[0], drawing));
  const frames = boxes.map((box) => renderBox(box, boxes[0]!.frame, drawing, classOf(box)));
  const empty = boxes.length === 0 ? `<text x="10" y="${HEAD + 12}">No samples.</text>` : '';
  return `<?xml version="1.0" encoding="UTF-8"?>
<svg xmlns="http://www.w3.org/2000/svg" width="1200" height="${height}" class="flame" role="group" aria-label="${title}">
<title>${title}</title>
<style>${STYLE}</style>
<rect class="ground" width="100%" height="100%"/>
<text x="10" y="22" class="title">${title}</text>
<text x="10" y="38" class="told">${told}</text>
${controls(title, told)}
<g id="frames">
${frames.join('\n')}${empty}
</g>
<script><![CDATA[${VIEWER}]]></script>
</svg>
`;
}

/** What the script shows in place of both texts: it wraps where the screen is narrow. */
function controls(title: string, told: string): string {
  return (
    `<foreignObject id="controls" width="100%" height="${HEAD - 2}" style="display:none"><div xmlns="http://www.w3.org/1999/xhtml" class="controls">` +
    `<div class="title">${title}</div><div class="told">${told}</div>` +
    '<input id="search" type="search" placeholder="Search functions" aria-label="Search functions"/>' +
    '<button id="reset" type="button">Reset zoom</button><span id="found" role="status"></span><span id="shown"></span></div></foreignObject>'
  );
}

function headLine(root: Box | undefined, { unit, isDifference }: Drawing): string {
  if (root === undefined) return '';
  const { total, totalBefore } = root;
  if (!isDifference) {
    return `${formatAmount(total, unit)} in all · orange: your code, yellow: node_modules, green: Node, grey: native`;
  }
  const change = `${formatAmount(totalBefore, unit)} before, ${formatAmount(total, unit)} after (${formatChange(totalBefore, total)})`;
  return `${change} · red: takes more itself, blue: takes less; as wide as the larger of both`;
}

function renderBox(box: Box, root: Frame, drawing: Drawing, frameClass: string): string {
  const label = labelOf(box);
  const place = `x="${percent(box.x)}" y="${HEAD + box.depth * ROW}" width="${percent(box.width)}" height="${ROW}"`;
  return (
    `<svg class="f ${frameClass}" ${place}><title>${escapeXml(tooltipOf(box, label, root, drawing))}</title>` +
    `<rect width="100%" height="${ROW - 1}"/><text x="4" y="13">${escapeXml(label)}</text></svg>`
  );
}

// A millionth of the width: neighbours meet within a pixel at any zoom that shows a label.
const percent = (share: number): string => `${Number((share * 100).toFixed(4))}%`;

function labelOf({ frame, merged }: Box): string {
  if (merged > 0) return merged === 1 ? '(1 small frame)' : `(${merged} small frames)`;
  const name = frame.name === '' ? '(anonymous)' : shorten(frame.name, NAME_LENGTH);
  return frame.folded > 0 ? `${name} (recursive)` : name;
}

function tooltipOf({ frame, merged, total, totalBefore }: Box, label: string, root: Frame, drawing: Drawing) {
  const { unit, isDifference } = drawing;
  const place =
    frame.url === '' || merged > 0 ? '' : `\n${shorten(frame.url, URL_LENGTH, true)}:${frame.line}`;
  if (!isDifference) {
    const own = merged > 0 ? '' : `, ${formatAmount(frame.self, unit)} itself`;
    return `${label}${place}\n${formatAmount(total, unit)} (${formatShare(total / root.total)})${own}`;
  }
  const compared = (before: number, after: number): string =>
    `${formatAmount(before, unit)} before, ${formatAmount(after, unit)} after (${formatChange(before, after)})`;
  const own = merged > 0 ? '' : `\nitself: ${compared(frame.selfBefore, frame.self)}`;
  return `${label}${place}\n${compared(totalBefore, total)}${own}`;
}

/** By whose code it is, in three shades so that neighbours differ. */
function kindClass({ frame, merged }: Box): string {
  if (merged > 0) return 'm';
  let hash = 0;
  for (let at = 0; at < frame.name.length; at++) hash = (hash * 31 + frame.name.charCodeAt(at)) | 0;
  return `${kindOfCode(frame.url)}${(hash >>> 0) % 3}`;
}

function kindOfCode(url: string): string {
  if (url === '') return 'v';
  if (url.startsWith('node:')) return 'n';
  return /[\\/]node_modules[\\/]/.test(url) ? 'd' : 'a';
}

/** By how much more or less each takes itself; the strongest change has the strongest colour. */
function changeClasses(boxes: readonly Box[]): (box: Box) => string {
  const whole = boxes[0]?.frame.weight ?? 0;
  const changeOf = ({ frame, merged, total, totalBefore }: Box): number =>
    merged > 0 ? total - totalBefore : frame.self - frame.selfBefore;
  const most = boxes.reduce((most, box) => Math.max(most, Math.abs(changeOf(box))), 0);
  return (box) => {
    const change = changeOf(box);
    if (Math.abs(change) < whole * LEAST_CHANGE) return 'z';
    const step = Math.ceil((Math.abs(change) / most) * CHANGE_STEPS);
    const gone = box.total === 0 ? ' gone' : '';
    return `${change > 0 ? 'r' : 'b'}${step}${gone}`;
  };
}
