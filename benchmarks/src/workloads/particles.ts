/** The guide's particles, and a heap in which they have lived for a while. */

/** A particle as an object of a program would hold it. */
export interface Particle {
  x: number;
  y: number;
  z: number;
  vx: number;
  vy: number;
  vz: number;
}

/** Seconds that one update advances. */
export const STEP_SECONDS = 0.016;

/** A source of numbers from 0 to 1, the same for the same seed. */
export function seededRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (state >>> 0) / 2 ** 32;
  };
}

/** A particle with f32 values, so that all variants start from the same numbers. */
export function makeParticle(random: () => number): Particle {
  return {
    x: Math.fround(random() * 100),
    y: Math.fround(random() * 100),
    z: Math.fround(random() * 100),
    vx: Math.fround(random() - 0.5),
    vy: Math.fround(random() - 0.5),
    vz: Math.fround(random() - 0.5),
  };
}

/** What a service keeps beside its particles: here to be allocated between them. */
interface Session {
  readonly id: number;
  readonly name: string;
  readonly tags: readonly string[];
}

/** How often each particle is replaced on average while the heap ages. */
const GENERATIONS = 3;

/** Sessions that live at the same time. */
const SESSIONS = 20_000;

/**
 * Fills `count` places with particles, and then lets time pass as in a service: particles go and others come in their
 * places in random order, while sessions come and go beside them and requests leave garbage. So what is next to each other in the
 * list is not next to each other in memory.
 *
 * @returns what must stay alive with them.
 */
export function age(count: number, seed: number, put: (index: number, particle: Particle) => void): unknown {
  const random = seededRandom(seed);
  const sessions: Session[] = [];
  const request = (): void => {
    const id = Math.floor(random() * SESSIONS);
    const tags = Array.from({ length: 1 + Math.floor(random() * 4) }, (_, tag) => `tag-${id}-${tag}`);
    sessions[id % SESSIONS] = { id, name: `session ${id}`, tags };
  };
  for (let i = 0; i < SESSIONS; i++) sessions.push({ id: i, name: '', tags: [] });
  for (let i = 0; i < count; i++) {
    put(i, makeParticle(random));
    request();
  }
  for (let i = 0; i < count * GENERATIONS; i++) {
    put(Math.floor(random() * count), makeParticle(random));
    request();
  }
  return sessions;
}

/** Fills `count` places with particles in order, in a heap that holds nothing else. */
export function fresh(
  count: number,
  seed: number,
  put: (index: number, particle: Particle) => void,
): unknown {
  const random = seededRandom(seed);
  for (let i = 0; i < count; i++) put(i, makeParticle(random));
  return undefined;
}

/** Calls of one item that bring V8 to compile an update for good. */
const WARM_CALLS = 20_000;

/**
 * Has V8 compile `update` as a whole before it meets the long loop, by many calls with a single item. Otherwise V8 first
 * replaces the running loop (on-stack replacement), and in one process of three stays with that code for ever, at half
 * or a third of the speed: chance would decide between the variants.
 */
export async function warm(update: (length: number) => unknown): Promise<void> {
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < WARM_CALLS; i++) update(1);
    // V8 compiles in another thread and installs the code when this one comes back to it.
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The answer of one variant: a few positions after one update. Not the first item, which {@link warm} has moved. */
export function samplePositions(count: number, position: (index: number) => readonly number[]): number[] {
  return [1, 2, Math.floor(count / 2), count - 1].flatMap((index) => [...position(index)]);
}
