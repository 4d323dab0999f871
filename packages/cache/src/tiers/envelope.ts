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

/** An entry whose value is still text, to be put in the text's place: a second object would be one too many for each hit. */
export interface Opened extends TierEntry {
  value: unknown;
}

/** @returns `null` for a lease without a value and for a tombstone, `undefined` for anything that is none of ours. */
export function openEnvelope(raw: string): Opened | null | undefined {
  const plain = openPlain(raw);
  if (plain !== undefined) return plain;
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

/** Longest number of base 36 whose value is exact. */
const MOST_DIGITS = 10;

/** A value with an expiry alone, as most are: read digit by digit, without a copy of them. Anything else is `undefined`. */
function openPlain(raw: string): Opened | undefined {
  if (!raw.startsWith(VALUE)) return undefined;
  let expiresAt = 0;
  for (let i = 1; i <= MOST_DIGITS + 1; i++) {
    const code = raw.charCodeAt(i);
    if (code >= 0x30 && code <= 0x39) expiresAt = 36 * expiresAt + code - 0x30;
    else if (code >= 0x61 && code <= 0x7a) expiresAt = 36 * expiresAt + code - 0x57;
    else if (code !== 0x3b || i === 1) return undefined;
    else return { value: raw.slice(i + 1), expiresAt, freshUntil: expiresAt };
  }
  return undefined;
}

function openHead(ends: string, value: string | undefined): Opened | undefined {
  const [expiry, fresh, version, stamp] = ends.split(',');
  const expiresAt = number(expiry);
  const freshUntil = fresh === undefined ? expiresAt : number(fresh);
  if (Number.isNaN(expiresAt) || Number.isNaN(freshUntil)) return undefined;
  return {
    value,
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
