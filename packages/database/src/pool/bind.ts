import { ArgumentTypeError, ArgumentRangeError, invalidType } from '../errors.ts';
import { valueToText } from './value-text.ts';

/** The protocol counts parameters in 16 bits; one more and the rest of the message is misread. */
export const MAX_PARAMETERS = 65_535;

/** Describe the unnamed portal: `D`, length 6, `P`, empty name. */
export const DESCRIBE_PORTAL: Buffer = Buffer.from([0x44, 0, 0, 0, 6, 0x50, 0]);

/** Execute the unnamed portal without a row limit, then Sync: `E`, length 9, empty name, 0; `S`, length 4. */
const EXECUTE_SYNC = Buffer.from([0x45, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0x53, 0, 0, 0, 4]);
export const EXECUTE_SYNC_BYTES: number = EXECUTE_SYNC.length;

/**
 * A scratch that messages are written into, then cut out of in one copy: strings need no measuring beforehand. Larger
 * messages get a buffer of their own, so that a single large insert does not keep its memory for ever.
 */
const SCRATCH_BYTES = 65_536;
let scratch: Buffer | undefined;

/**
 * The messages Bind, Execute and Sync for one call, in one buffer:
 *
 * ```
 * 'B' length | portal "" | statement name | format codes | count, then each value: length or -1, bytes | result formats
 * 'E' … 'S' …
 * ```
 *
 * Bind names `portal`, which Execute does not: whoever gives a name sends an Execute of its own.
 *
 * Texts go as text, bytes as binary. All results are asked for as text.
 *
 * @throws {ArgumentTypeError} for a value that cannot be a parameter.
 * @throws {ArgumentRangeError} for more than 65,535 values, an invalid Date, or half a surrogate pair.
 */
export function encodeCall(statementName: string, values: readonly unknown[], portal = ''): Buffer {
  const count = values.length;
  checkCount(count);
  const encoded: (string | Uint8Array | null)[] = new Array(count);
  let needed = 32 + portal.length + statementName.length + EXECUTE_SYNC_BYTES + count * 4;
  let hasBytes = false;
  for (let index = 0; index < count; index++) {
    const value = encodeValue(values[index], index);
    encoded[index] = value;
    if (value === null) continue;
    if (typeof value === 'string') {
      // A UTF-16 unit takes at most three bytes in UTF-8.
      needed += value.length * 3;
    } else {
      needed += value.byteLength;
      hasBytes = true;
    }
  }
  if (hasBytes) needed += count * 2;
  if (needed <= SCRATCH_BYTES) {
    scratch ??= Buffer.allocUnsafeSlow(SCRATCH_BYTES);
    return Buffer.from(scratch.subarray(0, write(scratch, portal, statementName, encoded, hasBytes)));
  }
  const exact = exactBytes(portal, statementName, encoded, hasBytes);
  const buffer = Buffer.allocUnsafeSlow(exact);
  write(buffer, portal, statementName, encoded, hasBytes);
  return buffer;
}

/**
 * The values as `pg` takes them, checked as by {@link encodeCall}.
 *
 * @throws {ArgumentTypeError} {ArgumentRangeError} as that does.
 */
export function plainValues(values: readonly unknown[]): (string | Uint8Array | null)[] {
  checkCount(values.length);
  return Array.from(values, encodeValue);
}

function checkCount(count: number): void {
  if (count > MAX_PARAMETERS) {
    throw new ArgumentRangeError(`values: expected at most ${MAX_PARAMETERS}, got ${count}`);
  }
}

function encodeValue(value: unknown, index: number): string | Uint8Array | null {
  switch (typeof value) {
    case 'string':
      return wellFormed(value, index);
    case 'number':
    case 'bigint':
    case 'boolean':
      return String(value);
    case 'undefined':
      return null;
    case 'object':
      if (value === null) return null;
      if (value instanceof Uint8Array) return value;
      if (value instanceof Date && Number.isNaN(value.getTime())) {
        throw new ArgumentRangeError(`values[${index}]: expected a valid Date, got an invalid one`);
      }
      return encodeObject(value, index);
    case 'function':
    case 'symbol':
    default:
      throw invalidType(`values[${index}]`, 'a value that can be a parameter', value);
  }
}

function encodeObject(value: object, index: number): string | Uint8Array | null {
  let prepared: string | Uint8Array | null;
  try {
    prepared = valueToText(value);
  } catch (cause) {
    throw new ArgumentTypeError(`values[${index}]: cannot be made a parameter`, { cause });
  }
  return typeof prepared === 'string' ? wellFormed(prepared, index) : prepared;
}

/** UTF-8 has no bytes for half a character: a replacement character would be stored instead, without a word. */
function wellFormed(text: string, index: number): string {
  if (text.isWellFormed()) return text;
  throw new ArgumentRangeError(`values[${index}]: expected a well-formed text, got half a surrogate pair`);
}

function exactBytes(
  portal: string,
  statementName: string,
  encoded: readonly (string | Uint8Array | null)[],
  hasBytes: boolean,
): number {
  let bytes =
    1 + 4 + portal.length + 1 + statementName.length + 1 + 2 + (hasBytes ? encoded.length * 2 : 0) + 2 + 2;
  for (const value of encoded) {
    bytes += 4;
    if (typeof value === 'string') bytes += Buffer.byteLength(value);
    else if (value !== null) bytes += value.byteLength;
  }
  return bytes + EXECUTE_SYNC_BYTES;
}

function write(
  into: Buffer,
  portal: string,
  statementName: string,
  encoded: readonly (string | Uint8Array | null)[],
  hasBytes: boolean,
): number {
  const count = encoded.length;
  into[0] = 0x42;
  let at = 5 + into.write(portal, 5, 'latin1');
  into[at++] = 0;
  at += into.write(statementName, at, 'latin1');
  into[at++] = 0;
  if (hasBytes) {
    at = into.writeUInt16BE(count, at);
    for (const value of encoded) at = into.writeUInt16BE(value instanceof Uint8Array ? 1 : 0, at);
  } else {
    at = into.writeUInt16BE(0, at);
  }
  at = into.writeUInt16BE(count, at);
  for (let index = 0; index < count; index++) {
    const value = encoded[index]!;
    if (value === null) {
      at = into.writeInt32BE(-1, at);
    } else if (typeof value === 'string') {
      const bytes = into.write(value, at + 4, 'utf8');
      into.writeInt32BE(bytes, at);
      at += 4 + bytes;
    } else {
      at = into.writeInt32BE(value.byteLength, at);
      into.set(value, at);
      at += value.byteLength;
    }
  }
  at = into.writeUInt16BE(0, at);
  into.writeInt32BE(at - 1, 1);
  return at + EXECUTE_SYNC.copy(into, at);
}

/** Close of a prepared statement: `C`, length, `S`, name. The server answers nothing that anyone waits for. */
export function encodeClose(statementName: string): Buffer {
  const buffer = Buffer.allocUnsafe(7 + statementName.length);
  buffer[0] = 0x43;
  buffer.writeInt32BE(6 + statementName.length, 1);
  buffer[5] = 0x53;
  buffer.write(statementName, 6, 'latin1');
  buffer[6 + statementName.length] = 0;
  return buffer;
}
