/** Text of unknown origin made safe to show, and its width in a terminal. Pure. */

// C0 and C1 controls, bidirectional marks and overrides, lone surrogates, byte order mark: whatever could move the
// cursor, colour the screen, reorder what a reader sees, or be no text at all.
const UNSAFE = /[\p{Cc}\p{Cs}\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069\uFEFF\u2028\u2029]/gu;
const LINE_SPACE = /[\t\n\r]+/g;

/** One line in which nothing acts on the terminal or the page: controls become `\u001b` and the like. */
export function visible(text: string): string {
  return text
    .replaceAll(LINE_SPACE, ' ')
    .replaceAll(
      UNSAFE,
      (character) => String.raw`\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );
}

const ZERO_WIDTH = /[\p{Mn}\p{Me}\p{Cf}]/u;
const DOUBLE_WIDTH =
  /[\p{Emoji_Presentation}\u1100-\u115F\u2E80-\u303E\u3041-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6\u{20000}-\u{3FFFD}]/u;

function columnsOf(character: string): number {
  if (character <= '~') return 1;
  if (ZERO_WIDTH.test(character)) return 0;
  return DOUBLE_WIDTH.test(character) ? 2 : 1;
}

/** Columns that a text takes in a terminal: 2 for a wide character, 0 for a combining one. */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of text) width += columnsOf(character);
  return width;
}

/** As many characters as fit in `width` columns, the last one `…` when something was cut. */
export function truncate(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let cut = '';
  let used = 0;
  for (const character of text) {
    const columns = columnsOf(character);
    if (used + columns > width - 1) break;
    cut += character;
    used += columns;
  }
  return `${cut}…`;
}

/** `text` with spaces after it up to `width` columns. */
export function padEnd(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - widthOf(text)));
}

/** `text` with spaces before it up to `width` columns. */
export function padStart(text: string, width: number): string {
  return ' '.repeat(Math.max(0, width - widthOf(text))) + text;
}

/** Splits a word that is wider than a line; keeps every character. */
function* pieces(word: string, width: number): Generator<string> {
  let piece = '';
  let used = 0;
  for (const character of word) {
    const columns = columnsOf(character);
    if (used + columns > width && piece !== '') {
      yield piece;
      piece = '';
      used = 0;
    }
    piece += character;
    used += columns;
  }
  yield piece;
}

/** Breaks `text` at spaces into lines of at most `width` columns; words wider than a line are split, never lost. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && widthOf(line) + 1 + widthOf(word) <= width) {
      line += ` ${word}`;
      continue;
    }
    if (line !== '') lines.push(line);
    const split = [...pieces(word, width)];
    line = split.pop() ?? '';
    lines.push(...split);
  }
  lines.push(line);
  return lines;
}
