/** The loops behind comparisons and filters; `op` is the number of a comparison: 0 <, 1 <=, 2 ==, 3 !=, 4 >, 5 >=. */

import type { Vector } from '../operands.ts';

function holds(op: number, x: number, y: number): boolean {
  switch (op) {
    case 0:
      return x < y;
    case 1:
      return x <= y;
    case 2:
      return x === y;
    case 3:
      return x !== y;
    case 4:
      return x > y;
    default:
      return x >= y;
  }
}

export function compareScalar(op: number, out: Uint8Array, a: Vector, b: Vector, count: number): void {
  for (let i = 0; i < count; i++) out[i] = Number(holds(op, a[i]!, b[i]!));
}

export function compareToScalar(op: number, out: Uint8Array, a: Vector, value: number, count: number): void {
  for (let i = 0; i < count; i++) out[i] = Number(holds(op, a[i]!, value));
}

export function countWhereScalar(op: number, a: Vector, value: number): number {
  let count = 0;
  for (let i = 0; i < a.length; i++) count += Number(holds(op, a[i]!, value));
  return count;
}

export function filterScalar(op: number, out: Vector, a: Vector, value: number, count: number): number {
  let kept = 0;
  for (let i = 0; i < count; i++) if (holds(op, a[i]!, value)) out[kept++] = a[i]!;
  return kept;
}

export function compactScalar(out: Vector, a: Vector, mask: Uint8Array, count: number): number {
  let kept = 0;
  for (let i = 0; i < count; i++) if (mask[i] !== 0) out[kept++] = a[i]!;
  return kept;
}
