/** From and to, both included. */
export type Window = readonly [from: number, to: number];

/** In order, and none touches another. */
export type Windows = readonly Window[];

export function merged(windows: readonly Window[]): Windows {
  const result: [number, number][] = [];
  for (const [from, to] of [...windows].sort((a, b) => a[0] - b[0])) {
    const last = result.at(-1);
    if (last !== undefined && from <= last[1]) last[1] = Math.max(last[1], to);
    else result.push([from, to]);
  }
  return result;
}

/** Index of the first window that ends at or after a moment, by bisection. */
function firstEndingFrom(windows: Windows, moment: number): number {
  let low = 0;
  let high = windows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (windows[middle]![1] < moment) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The window that a moment is in. */
export function windowAt(windows: Windows, moment: number): Window | undefined {
  const window = windows[firstEndingFrom(windows, moment)];
  return window !== undefined && window[0] <= moment ? window : undefined;
}

/** The first moment, not before `moment`, that has `lengthMs` behind it without a window; `Infinity` when there is none. */
export function freeFrom(windows: Windows, moment: number, lengthMs: number): number {
  let free = moment;
  for (let index = firstEndingFrom(windows, moment); index < windows.length; index++) {
    const [from, to] = windows[index]!;
    if (from > free + lengthMs) return free;
    free = Math.max(free, to);
  }
  return free;
}
