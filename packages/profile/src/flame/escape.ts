/** Text made safe for XML and HTML, in elements and in quoted attributes. Pure. */

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

// Controls and noncharacters make XML ill-formed, lone surrogates make UTF-8 ill-formed, and the bidirectional
// controls show a name as another one.
const UNFIT =
  // oxlint-disable-next-line no-control-regex -- controls are what is looked for
  /[\u{0}-\u{8}\u{B}\u{C}\u{E}-\u{1F}\u{7F}-\u{9F}\u{200E}\u{200F}\u{202A}-\u{202E}\u{2066}-\u{2069}\u{D800}-\u{DFFF}\u{FFFE}\u{FFFF}]/gu;

/** `text` as character data: any string becomes well-formed, and none of it is markup. */
export function escapeXml(text: string): string {
  return text.replace(UNFIT, '\u{FFFD}').replace(/[&<>"']/g, (character) => ENTITIES[character]!);
}

/** The first `most` characters, or the last with `keepEnd`; an ellipsis stands for the rest. */
export function shorten(text: string, most: number, keepEnd = false): string {
  if (text.length <= most) return text;
  return keepEnd ? `…${text.slice(1 - most)}` : `${text.slice(0, most - 1)}…`;
}
