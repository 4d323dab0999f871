import type { TierEntry } from '../tier.ts';

/**
 * What Redis holds under a key, always text:
 *
 *     V <ends> ; <value>                 a value
 *     N <ends> ;                         known to be absent
 *     T <ends> ;                         what is older than its version is not to be stored
 *     L <until> , <token> ; <what was>   a lease: somebody is loading; what was there before it is still readable
 *
 *     ends = expiry [ , end of freshness , version , stamp of its tags ]
 *
 * Moments are in ms since the epoch, base 36, empty for never; a version is base 36 too. That of a lease, which only
 * scripts read, is decimal, and empty for as long as the key lasts. Redis expires the key as well; the copy is there
 * because MGET does not tell what is left, and the levels above must not keep a value for longer.
 */
const VALUE = 'V';
const ABSENT = 'N';
const TOMBSTONE = 'T';
const LEASE = 'L';
/** Four fields of at most 11 digits, and a stamp; anything longer is none of ours. */
const LONGEST_HEAD = 4096;

/** A moment or a version. Rounded down: an entry must not live longer than it was given. */
function digits(moment: number): string {
  return moment === Infinity ? '' : Math.floor(moment).toString(36);
}

function number(text: string | undefined): number {
  return text === undefined || text === '' ? Infinity : Number.parseInt(text, 36);
}

function head(kind: string, entry: Omit<TierEntry, 'value'>): string {
  const { expiresAt, freshUntil, version, stamp } = entry;
  const short = kind + digits(expiresAt);
  if (freshUntil === expiresAt && version === undefined && stamp === undefined) return `${short};`;
  return `${short},${digits(freshUntil)},${version === undefined ? '' : digits(version)},${stamp ?? ''};`;
}

export function envelopeOf(text: string | undefined, entry: Omit<TierEntry, 'value'>): string {
  return text === undefined ? head(ABSENT, entry) : head(VALUE, entry) + text;
}

export function tombstoneOf(version: number, expiresAt: number): string {
  return head(TOMBSTONE, { expiresAt, freshUntil: expiresAt, version });
}

/** An envelope, opened. `text` is `undefined` when the key is known to be absent. */
export interface Opened extends Omit<TierEntry, 'value'> {
  readonly text: string | undefined;
}

/** @returns `null` for a lease without a value and for a tombstone, `undefined` for anything that is none of ours. */
export function openEnvelope(raw: string): Opened | null | undefined {
  const end = raw.indexOf(';', 1);
  if (end === -1 || end > LONGEST_HEAD) return undefined;
  switch (raw.slice(0, 1)) {
    case LEASE:
      return end + 1 === raw.length ? null : openEnvelope(raw.slice(end + 1));
    case TOMBSTONE:
      return null;
    case VALUE:
      return openHead(raw.slice(1, end), raw.slice(end + 1));
    case ABSENT:
      return openHead(raw.slice(1, end), undefined);
    default:
      return undefined;
  }
}

function openHead(ends: string, text: string | undefined): Opened | undefined {
  if (!ends.includes(',')) {
    const expiresAt = number(ends);
    return Number.isNaN(expiresAt) ? undefined : { text, expiresAt, freshUntil: expiresAt };
  }
  const [expiry, fresh, version, stamp] = ends.split(',');
  const expiresAt = number(expiry);
  const freshUntil = number(fresh);
  if (Number.isNaN(expiresAt) || Number.isNaN(freshUntil)) return undefined;
  return {
    text,
    expiresAt,
    freshUntil,
    ...(version === undefined || version === '' ? {} : { version: number(version) }),
    ...(stamp === undefined || stamp === '' ? {} : { stamp }),
  };
}

/** The version in what `acquire` says it found, if there is one. */
export function versionOfHead(found: string): number | undefined {
  const version = found.slice(0, found.indexOf(';')).split(',')[2];
  return version === undefined || version === '' ? undefined : number(version);
}
