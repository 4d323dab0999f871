/** From when on a key is not to be seen below a version. */
export type Step = readonly [at: number, key: number, version: number];

/** The least that may be seen, and since when. */
export interface Floor {
  readonly at: number;
  readonly version: number;
}

/** By key and time; versions only ever grow. */
export type Floors = ReadonlyMap<number, readonly Floor[]>;

export function grouped<T, K>(items: readonly T[], keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}

export function floorsOf(steps: readonly Step[]): Floors {
  const floors = new Map<number, Floor[]>();
  for (const [at, key, version] of [...steps].sort((a, b) => a[0] - b[0])) {
    const known = floors.get(key) ?? [];
    if (version > (known.at(-1)?.version ?? 0)) known.push({ at, version });
    floors.set(key, known);
  }
  return floors;
}

/** The last step at or before a moment, by bisection. */
export function floorAt(floors: Floors, key: number, moment: number): Floor | undefined {
  const steps = floors.get(key) ?? [];
  let low = 0;
  let high = steps.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (steps[middle]!.at <= moment) low = middle + 1;
    else high = middle;
  }
  return steps[low - 1];
}

/** The earliest that something above each version of a key was told. */
export class Overtaken {
  /** By rising version; each with the earliest moment of all from there up. */
  readonly #byKey = new Map<number, readonly Floor[]>();

  constructor(told: readonly Step[]) {
    for (const [key, steps] of grouped(told, ([, of]) => of)) {
      const falling = steps.map(([at, , version]) => ({ version, at })).sort((a, b) => b.version - a.version);
      let earliest = Infinity;
      const earliestFrom = falling.map(({ version, at }) => {
        earliest = Math.min(earliest, at);
        return { version, at: earliest };
      });
      this.#byKey.set(key, earliestFrom.reverse());
    }
  }

  of(key: number, version: number): Floor | undefined {
    return this.#byKey.get(key)?.find((floor) => floor.version > version);
  }
}
