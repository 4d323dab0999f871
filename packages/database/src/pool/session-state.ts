/**
 * Which statements change what the next user of a connection would meet: settings, listeners, advisory locks, temporary
 * tables and views, cursors that outlive their transaction. A connection that ran one is reset with DISCARD ALL before it is lent
 * again, which costs a round trip, and a parse of each statement that was prepared on it; so does a false alarm. What a `DO` block does
 * nobody sees.
 */
const SESSION_TAGS: ReadonlySet<string> = new Set(['SET', 'LISTEN', 'PREPARE', 'LOAD', 'DO']);

/** A setting that ends with the transaction, and no other statement behind it. */
const LOCAL_SETTING = /^\s*set\s+(?:local|transaction)\b[^;]*;?\s*$/iu;

/** What has no tag of its own. `set_config(…, true)` ends with the transaction. */
const SESSION_TEXT =
  /\b(?:set_config\s*\((?![^()]*,\s*true\s*\))|pg_(?:try_)?advisory_lock(?:_shared)?\s*\(|(?:create(?:\s+or\s+replace)?|into)\s+(?:local\s+|global\s+)?temp(?:orary)?\b|pg_temp\b|with\s+hold\b)/iu;

/** By the tag that the server answers. */
export function tagChangesSession(tag: string, text: string): boolean {
  return SESSION_TAGS.has(tag) && !(tag === 'SET' && LOCAL_SETTING.test(text));
}

/** By the text alone. */
export function textChangesSession(text: string): boolean {
  return SESSION_TEXT.test(text);
}

/** How a text begins that may be nothing but a read. */
const READ = /^(?:\s|--[^\n]*\n|\/\*(?:[^*]|\*(?!\/))*\*\/|\()*(?:select|with|values|table)\b/iu;

/**
 * Words that make more of it: writes below WITH, SELECT INTO, row locks, and functions that wait, lock, signal or write. Also
 * found in a string or a name, where they only cost the sharing.
 */
const MORE =
  /\b(?:insert|update|delete|merge|into|share|nextval|setval|pg_sleep\w*|pg_(?:try_)?advisory\w*|set_config|dblink\w*|lo_\w+|pg_terminate_backend|pg_cancel_backend|pg_notify|pg_export_snapshot)\b/iu;

/**
 * True for a statement that only reads, and waits for nobody's lock: it may be pipelined with others on one connection. By the
 * text alone, and only what is known to be harmless: everything else gets a connection of its own.
 */
export function onlyReads(text: string): boolean {
  return READ.test(text) && !MORE.test(text) && !SESSION_TEXT.test(text);
}

/** What stands before a parenthesis in texts that call nothing, or functions of the server's that do no more than give a value. */
const KNOWN_CALLS: ReadonlySet<string> = new Set(
  `select from where and or not in any all some exists as on using with values case when then else array row by having limit offset
  lateral distinct filter over within union except intersect coalesce nullif greatest least cast extract position substring trim
  count sum min max avg array_agg string_agg json_agg jsonb_agg json_build_object jsonb_build_object row_to_json to_json to_jsonb
  row_number rank dense_rank lag lead lower upper length char_length concat substr replace left right abs round floor ceil now
  date_trunc to_char unnest generate_series numeric decimal varchar char`.split(/\s+/u),
);

/** A parenthesis with what stands before it: a word, perhaps behind a dot, or another sign. Linear: tried once a word, between single spaces. */
const OPENING = /(?:(\. ?)?(?<![\p{L}\p{N}_$])([\p{L}\p{N}_$]+)|(\S))? ?\(/gu;

/** Signs behind which a parenthesis is no call. */
const NO_CALL = '(,=<>+-*%|';

/** Could stand between a function's name and its parenthesis. */
const COMMENT = /--|\/\*/u;

/**
 * True when a text calls no function but harmless ones of the server's, so that executing it twice is as good as once. By the text
 * alone, and only what is known: a column list or a string may look like a call, which only costs the sharing.
 */
export function callsOnlyKnown(text: string): boolean {
  if (COMMENT.test(text)) return false;
  for (const [, dot, word, sign] of text.replace(/\s+/gu, ' ').matchAll(OPENING)) {
    if (dot !== undefined) return false;
    if (word !== undefined && !KNOWN_CALLS.has(word.toLowerCase())) return false;
    if (sign !== undefined && !NO_CALL.includes(sign)) return false;
  }
  return true;
}
