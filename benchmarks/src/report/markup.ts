/**
 * HTML that cannot be injected into: a template in which every value is escaped, unless it is markup made by the same
 * template. Values go into text and into quoted attributes only, never into a tag's name, a style or an event.
 */

import { visible } from './plain-text.ts';

/** Markup that is safe by construction: only {@link html} makes it. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  toString(): string {
    return this.text;
  }
}

export type Content = Markup | string | number | readonly Content[] | null | undefined | false;

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '`': '&#96;',
};

/** Escapes text for element content and quoted attributes; controls and direction overrides become visible. */
export function escapeHtml(text: string): string {
  return visible(text).replaceAll(/[&<>"'`]/g, (character) => ESCAPES[character]!);
}

function render(content: Content): string {
  if (content === null || content === undefined || content === false) return '';
  if (content instanceof Markup) return content.text;
  if (typeof content === 'string') return escapeHtml(content);
  if (typeof content === 'number') return String(content);
  return content.map(render).join('');
}

// Before these a line break of the source means nothing: they are blocks here, or parts of tables, lists and drawings.
const BREAK_BEFORE_BLOCK =
  /\s*\n\s*(?=<\/?(?:table|caption|thead|tbody|tr|td|th|ul|li|dl|dt|dd|div|section|article|header|nav|main|h[1-6]|p|figure|figcaption|svg|symbol|use|rect|line|text|polyline|circle|path|head|body|meta|link|title)\b)/g;

// Elsewhere the source's line breaks and indentation mean what a space means in HTML.
const LINE_BREAK = /\s*\n\s*/g;

const compacted = new WeakMap<TemplateStringsArray, readonly string[]>();

/** A template's own text without the breaks that mean nothing; once a template, since it never changes. */
function compact(parts: TemplateStringsArray): readonly string[] {
  let known = compacted.get(parts);
  if (known === undefined) {
    known = parts.map((part) => part.replaceAll(BREAK_BEFORE_BLOCK, '').replaceAll(LINE_BREAK, ' '));
    compacted.set(parts, known);
  }
  return known;
}

/** Builds markup; strings are escaped, lists joined, `null`, `undefined` and `false` left out. */
export function html(parts: TemplateStringsArray, ...values: readonly Content[]): Markup {
  let text = '';
  for (const [index, part] of compact(parts).entries()) {
    text += part;
    if (index < values.length) text += render(values[index]);
  }
  return new Markup(text);
}

/** Text of the report's subjects, isolated so that its direction cannot reorder its neighbours. */
export function subject(text: string): Markup {
  return html`<bdi>${text}</bdi>`;
}
