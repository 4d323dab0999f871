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
