import { ArgumentRangeError } from '../errors.ts';
import { simdKernels } from './instance.ts';
import { ADDRESS, isApart, isolateMask, locate, refuseNumber, refuseType } from './operands.ts';
import type { Addressed } from './operands.ts';

/**
 * How often a byte occurs.
 *
 * @throws ArgumentTypeError when `bytes` is no Uint8Array.
 * @throws ArgumentRangeError when `byte` is no integer from 0 to 255.
 * @throws FreedVectorError when the vector was freed or its buffer detached.
 * @example
 * const lines = countByte(text, 0x0a);
 */
export function countByte(bytes: Uint8Array, byte: number): number {
  const at = check(bytes, byte);
  const k = simdKernels();
  if (k !== undefined && at !== 0) return k.countByte(at, byte, bytes.length);
  let count = 0;
  for (let i = 0; i < bytes.length; i++) count += Number(bytes[i] === byte);
  return count;
}

/**
 * Writes the positions of a byte, upwards, and returns how many were written: all there are, or as many as `out` holds.
 *
 * @throws ArgumentTypeError when `bytes` is no Uint8Array or `out` no Uint32Array.
 * @throws ArgumentRangeError when `byte` is no integer from 0 to 255.
 * @throws FreedVectorError when a vector was freed or its buffer detached.
 * @example
 * const ends = allocate('u32', countByte(text, 0x0a));
 * positionsOfByte(text, 0x0a, ends);
 */
export function positionsOfByte(bytes: Uint8Array, byte: number, out: Uint32Array): number {
  const at = check(bytes, byte);
  if (!(out instanceof Uint32Array)) refuseType('out', out, 'Uint32Array');
  const atOut = (out as Addressed)[ADDRESS] || locate('out', out);
  const k = simdKernels();
  if (k !== undefined && at !== 0 && atOut !== 0 && isApart(at, bytes.length, atOut, out.byteLength)) {
    return k.positionsOfByte(atOut, out.length, at, byte, bytes.length);
  }
  const apart = isolateMask(bytes, out);
  let written = 0;
  for (let i = 0; i < apart.length && written < out.length; i++) if (apart[i] === byte) out[written++] = i;
  return written;
}

function check(bytes: Uint8Array, byte: number): number {
  if (!(bytes instanceof Uint8Array)) refuseType('bytes', bytes, 'Uint8Array');
  if (typeof byte !== 'number') refuseNumber('byte', byte);
  if ((byte & 255) !== byte) {
    throw new ArgumentRangeError(`byte: expected an integer from 0 to 255, got ${byte}`);
  }
  return (bytes as Addressed)[ADDRESS] || locate('bytes', bytes);
}
