import type { CopyFrames } from './pool/copy.ts';
import type { QueryOptions, QueryResult, Session } from './queryable.ts';

/**
 * Ours: a session that takes options beside a statement, and COPY. All of one pool share what was learnt of its tables. Not part
 * of the published types.
 */
export interface OwnSession extends Session {
  readonly hotpathPool: { readonly plain: boolean };
  /** `COPY … FROM STDIN`. */
  hotpathCopy(text: string, frames: CopyFrames, options: QueryOptions): Promise<QueryResult>;
}

export function isOwnSession(db: object): db is OwnSession {
  return 'hotpathPool' in db;
}
