import type { ConnectError } from '../errors.ts';

/**
 * True for a failure to connect that may pass by itself: a server that is down, starting or full. Everything else (a wrong
 * password, no such database, a refused certificate) will be the same the next time.
 */
export function isTransient(error: ConnectError): boolean {
  const { cause } = error;
  if (!(cause instanceof Error)) return false;
  const { code } = cause as NodeJS.ErrnoException;
  if (code === undefined) return cause.message === 'Connection terminated unexpectedly';
  return TRANSIENT.has(code) || code.startsWith('53') || code.startsWith('08');
}

const TRANSIENT: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'EAI_AGAIN',
  'ENOENT',
  '57P01',
  '57P02',
  '57P03',
]);
