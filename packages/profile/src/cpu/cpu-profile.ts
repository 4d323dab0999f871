import { flameGraph } from '../flame/flame-graph.ts';
import type { CallNode } from '../flame/call-node.ts';
import type { FlameGraphOptions } from '../flame/flame-graph.ts';
import { integerOption } from '../option-checks.ts';
import { profileTree } from './profile-tree.ts';
import type { Place } from './profile-tree.ts';
import { speedscopeOf } from './speedscope.ts';
import type { SpeedscopeFile } from './speedscope.ts';
import { topFunctions } from './top.ts';
import type { CpuFunction } from './top.ts';
import type { V8CallFrame, V8CpuProfile } from './v8-profile.ts';

/** What `cpu` found; plain data inside, so it can be kept as long as needed. */
export class CpuProfile<Value = undefined> {
  /** What the function returned, or its promise gave. */
  readonly value: Value;
  /** The profile as V8 gave it, of the compiled code: `JSON.stringify` makes a `.cpuprofile` file of it. */
  readonly cpuprofile: V8CpuProfile;
  /** The call tree in milliseconds, idle time left out, places told in the sources: what `flameGraph` draws. */
  readonly root: CallNode;
  /** From start to stop. */
  readonly durationMs: number;
  /** Time without anything to do. */
  readonly idleMs: number;
  readonly sampleCount: number;
  readonly #places: ReadonlyMap<V8CallFrame, Place>;

  /** @internal */
  constructor(value: Value, cpuprofile: V8CpuProfile, places: ReadonlyMap<V8CallFrame, Place>) {
    const { root, idleMs, durationMs } = profileTree(cpuprofile, places);
    this.value = value;
    this.cpuprofile = cpuprofile;
    this.root = root;
    this.durationMs = durationMs;
    this.idleMs = idleMs;
    this.sampleCount = cpuprofile.samples?.length ?? 0;
    this.#places = places;
  }

  /**
   * The functions that take most time themselves, most first, in a stable order. `(program)` is native code outside of
   * JavaScript, `(garbage collector)` what its name says.
   *
   * @param count an integer from 1 to 100,000. Default 20.
   * @throws {ArgumentTypeError} `count` is not a number.
   * @throws {ArgumentRangeError} `count` is fractional or out of its range.
   */
  top(count = 20): CpuFunction[] {
    return topFunctions(this.root, integerOption('count', count, 1, 100_000));
  }

  /** {@link flameGraph} of `root`, in milliseconds; for the change since an earlier profile, `before: earlier.root`. */
  flameGraph(options: Omit<FlameGraphOptions, 'unit'> = {}): string {
    return flameGraph(this.root, { title: 'CPU profile', ...options, unit: 'ms' });
  }

  /** The profile over time in the file format of speedscope, places told in the sources. */
  speedscope(name = 'CPU profile'): SpeedscopeFile {
    return speedscopeOf(this.cpuprofile, name, this.#places);
  }
}
