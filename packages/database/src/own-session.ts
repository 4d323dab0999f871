/**
 * Ours: a session that takes options beside a statement. All of one pool share what was learnt of its tables. Not part of
 * the published types.
 */
export interface OwnSession {
  readonly hotpathPool: object;
}

export function isOwnSession(db: object): db is OwnSession {
  return 'hotpathPool' in db;
}
