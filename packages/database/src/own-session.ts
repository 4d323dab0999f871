import type { CopyFrames } from './pool/copy.ts';
import type { FoldQuery } from './pool/fold-statement.ts';
import type { Clock } from './pool/options.ts';
import type { QueryOptions, QueryResult, Session } from './queryable.ts';

/** What a session tells of its pool. */
export interface OwnPool {
  readonly plain: boolean;
  readonly options: { readonly clock: Clock };
}

/**
 * Ours: a session that takes options beside a statement, COPY, and folds of rows while they come. All of one pool share what was
 * learnt of its tables. Not part of the published types.
 */
export interface OwnSession extends Session {
  readonly hotpathPool: OwnPool;
  /** `COPY … FROM STDIN`. */
  hotpathCopy(text: string, frames: CopyFrames, options: QueryOptions): Promise<QueryResult>;
  /** The objects that a folder makes of the rows of a query. Not where the pool is plain. */
  hotpathFold(query: FoldQuery): Promise<object[]>;
}

export function isOwnSession(db: object): db is OwnSession {
  return 'hotpathPool' in db;
}
