/** Colours of a terminal, or none. */

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
