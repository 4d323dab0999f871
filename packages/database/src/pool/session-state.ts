/**
 * Which statements change what the next user of a connection would meet: settings, listeners, advisory locks, temporary
 * tables. A connection that ran one is reset with DISCARD ALL before it is lent again; a false alarm costs one round trip.
 */
const SESSION_TAGS: ReadonlySet<string> = new Set(['SET', 'LISTEN', 'PREPARE', 'LOAD']);

/** Settings that end with the transaction. */
const LOCAL_SETTING = /^\s*set\s+(?:local|transaction)\b/iu;

/** What has no tag of its own. `set_config(…, true)` ends with the transaction. */
const SESSION_TEXT =
  /\b(?:set_config\s*\((?![^()]*,\s*true\s*\))|pg_(?:try_)?advisory_lock(?:_shared)?\s*\(|(?:create|into)\s+(?:local\s+|global\s+)?temp(?:orary)?\b)/iu;

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
