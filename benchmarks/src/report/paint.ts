/** Colours of a terminal, or none. */

import { visible, wrap } from './plain-text.ts';

const CODES = {
  bold: '1',
  dim: '2',
  red: '31',
  green: '32',
  yellow: '33',
  blue: '34',
  cyan: '36',
  alarm: '1;7;31',
} as const;

export type Style = keyof typeof CODES;

export class Painter {
  readonly #on: boolean;

  constructor(on: boolean) {
    this.#on = on;
  }

  as(style: Style, text: string): string {
    return this.#on && text !== '' ? `\u001B[${CODES[style]}m${text}\u001B[0m` : text;
  }
}

export interface ParagraphOptions {
  /** Columns of the screen. */
  readonly width: number;
  readonly indent: string;
  /** Indent of the lines after the first. */
  readonly hanging: string;
  readonly style: Style | undefined;
}

/** The lines of a wrapped, painted text; nothing in it can move the cursor. */
export function paragraph(paint: Painter, text: string, options: ParagraphOptions): string[] {
  const { width, indent, hanging, style } = options;
  return wrap(visible(text), width - Math.max(indent.length, hanging.length)).map(
    (line, index) => (index === 0 ? indent : hanging) + (style === undefined ? line : paint.as(style, line)),
  );
}
