import { checkFunction, checkObject } from './check.ts';
import { EncodeError } from './errors.ts';

/** How a tier outside the process writes values as text, and reads them back. */
export interface Codec {
  /** @returns text; may throw, and the value is then not stored. `undefined` never gets here. */
  encode(value: unknown): string;
  /** May throw on text that it did not write: the entry is then a miss and is counted as corrupt. */
  decode(text: string): unknown;
}

/** JSON as it is: a `Date` comes back as a string, a `Map` as `{}`, `undefined` properties not at all. */
export const jsonCodec: Codec = {
  encode: (value) => JSON.stringify(value),
  decode: (text) => JSON.parse(text) as unknown,
};

/** @throws {ArgumentTypeError} */
export function checkCodec(codec: Codec): Codec {
  checkObject('codec', codec);
  for (const name of ['encode', 'decode'] as const) checkFunction(`codec.${name}`, codec[name]);
  return codec;
}

/** @throws what the codec throws, or for `undefined`, which says that there is no value. */
export function decodeValue(codec: Codec, text: string): unknown {
  const value = codec.decode(text);
  if (value === undefined) throw new EncodeError('the codec answered undefined instead of a value');
  return value;
}

/** @throws {EncodeError} when the codec throws or answers with something other than text (JSON does so for a function). */
export function encodeValue(codec: Codec, value: unknown): string {
  let text: unknown;
  try {
    text = codec.encode(value);
  } catch (cause) {
    throw new EncodeError('the codec cannot encode this value', { cause });
  }
  if (typeof text !== 'string') throw new EncodeError(`the codec answered ${typeof text} instead of text`);
  return text;
}
