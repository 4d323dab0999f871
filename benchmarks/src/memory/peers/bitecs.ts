import { addComponent, addEntity, createWorld, query } from 'bitecs';
import type { Operation } from '../../harness/case.ts';
import { type Particle, samplePositions, STEP_SECONDS, warm } from '../../workloads/particles.ts';

type Fill = (put: (index: number, particle: Particle) => void) => unknown;

/** Particles as bitecs has them: entities with two components, whose columns the user makes. */
export async function bitecsParticles(count: number, fill: Fill): Promise<Operation> {
  const world = createWorld();
  // Entity ids begin with 1.
  const column = (): Float32Array => new Float32Array(count + 1);
  const Position = { x: column(), y: column(), z: column() };
  const Velocity = { x: column(), y: column(), z: column() };
  const entities: number[] = [];
  for (let i = 0; i < count; i++) {
    const entity = addEntity(world);
    addComponent(world, entity, Position);
    addComponent(world, entity, Velocity);
    entities.push(entity);
  }
  const kept = fill((index, particle) => {
    const entity = entities[index]!;
    Position.x[entity] = particle.x;
    Position.y[entity] = particle.y;
    Position.z[entity] = particle.z;
    Velocity.x[entity] = particle.vx;
    Velocity.y[entity] = particle.vy;
    Velocity.z[entity] = particle.vz;
  });
  const run = (length = count): number => {
    const { x, y, z } = Position;
    const { x: vx, y: vy, z: vz } = Velocity;
    const found = query(world, [Position, Velocity]);
    for (let i = 0; i < length; i++) {
      const entity = found[i]!;
      x[entity] = x[entity]! + vx[entity]! * STEP_SECONDS;
      y[entity] = y[entity]! + vy[entity]! * STEP_SECONDS;
      z[entity] = z[entity]! + vz[entity]! * STEP_SECONDS;
    }
    return found.length;
  };
  await warm(run);
  return {
    run,
    answer() {
      run();
      return samplePositions(count, (index) => {
        const entity = entities[index]!;
        return [Position.x[entity]!, Position.y[entity]!, Position.z[entity]!];
      });
    },
    // The neighbours of an aged heap live as long as the particles.
    close: () => void kept,
  };
}
