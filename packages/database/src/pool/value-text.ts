import { prepareValue } from './pg-internals.ts';

const DAY_S = 86_400;

/** The seconds and the offset of a date as `pg` writes it, in local time. */
const SECONDS_AND_OFFSET = /:(\d\d)(\.\d{3})[+-]\d\d:\d\d/u;

/**
 * The text or the bytes of a value that is none of the simple ones (a date, an array, an object), as `pg` makes it. But `pg` cuts the
 * offset of a date to minutes, and before they kept a common time, most zones were seconds off (New York 4:56:02 until 1883, Monrovia
 * 0:44:30 until 1972): such a date would be another by those seconds.
 */
export function valueToText(value: unknown): string | Uint8Array | null {
  return prepareValue(exact(value));
}

function exact(value: unknown): unknown {
  if (value instanceof Date) return dateToText(value);
  return Array.isArray(value) ? value.map(exact) : value;
}

function dateToText(date: Date): unknown {
  const seconds = date.getSeconds();
  if (seconds === date.getUTCSeconds() || Number.isNaN(seconds)) return date;
  const apart =
    3_600 * (date.getHours() - date.getUTCHours()) +
    60 * (date.getMinutes() - date.getUTCMinutes()) +
    (seconds - date.getUTCSeconds());
  // The local day may be the one before or after.
  const offset = apart + DAY_S * Math.round((-60 * date.getTimezoneOffset() - apart) / DAY_S);
  const text = prepareValue(date) as string;
  return text.replace(SECONDS_AND_OFFSET, (whole, written: string, fraction: string) => {
    // Not where `pg` was told to write UTC.
    return Number(written) === seconds ? `:${written}${fraction}${offsetText(offset)}` : whole;
  });
}

function offsetText(offset: number): string {
  const parts = [3_600, 60, 1].map(
    (unit) => Math.floor(Math.abs(offset) / unit) % (unit === 3_600 ? 24 : 60),
  );
  return (offset < 0 ? '-' : '+') + parts.map((part) => String(part).padStart(2, '0')).join(':');
}
