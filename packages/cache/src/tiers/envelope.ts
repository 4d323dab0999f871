/**
 * What Redis holds under a key, always text:
 *
 *     V <expiry> ; <value>     a value
 *     N <expiry> ;             known to be absent
 *     L <token>                a lease: somebody is loading
 *
 * The expiry is in ms since the epoch, base 36, empty for never. Redis expires the key as well; the copy is there because
 * MGET does not tell what is left, and the levels above must not keep a value for longer.
 */
const VALUE = 86;
const ABSENT = 78;
const LEASE = 'L';

export function envelopeOf(text: string | undefined, expiresAt: number): string {
  const expiry = expiresAt === Infinity ? '' : Math.floor(expiresAt).toString(36);
  return text === undefined ? `N${expiry};` : `V${expiry};${text}`;
}

export function leaseMarker(token: string): string {
  return LEASE + token;
}

export function isLease(raw: string): boolean {
  return raw.startsWith(LEASE);
}

/** An envelope, opened. `text` is `undefined` when the key is known to be absent. */
export interface Opened {
  readonly text: string | undefined;
  readonly expiresAt: number;
}

/** @returns `undefined` for anything that {@link envelopeOf} did not write, a lease among it. */
export function openEnvelope(raw: string): Opened | undefined {
  const kind = raw.charCodeAt(0);
  if (kind !== VALUE && kind !== ABSENT) return undefined;
  const end = raw.indexOf(';', 1);
  // Eight digits of base 36 last until the year 2059, nine until 5188.
  if (end === -1 || end > 10) return undefined;
  const expiresAt = end === 1 ? Infinity : Number.parseInt(raw.slice(1, end), 36);
  if (Number.isNaN(expiresAt)) return undefined;
  return { text: kind === VALUE ? raw.slice(end + 1) : undefined, expiresAt };
}
