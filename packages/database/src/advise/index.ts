export { type Advice, type AdviseOptions, type IndexAdvice, type Verification, advise } from './advise.ts';
export type { IndexDefinition, IndexKey } from './index-definition.ts';
export { type AuditFinding, type AuditKind, type AuditOptions, audit } from './audit.ts';
export { type CreateIndexOptions, type CreateIndexResult, createIndexConcurrently } from './create-index.ts';
