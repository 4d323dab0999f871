import { checkInteger, describe } from '../check.ts';
import { ArgumentTypeError, ForeignLeaseError, LeaseReleasedError, PoolClosedError } from '../errors.ts';

/** How a pool makes, cleans and keeps its objects. */
export interface ObjectPoolOptions<T extends object> {
  /** Makes an object when none is idle. */
  readonly create: () => T;
  /** Brings an object back to its first state; called at each release, before the object is idle. */
  readonly reset?: (object: T) => void;
  /** Called with each object that the pool lets go: released when `maxIdle` are idle, trimmed, or at the close. */
  readonly destroy?: (object: T) => void;
  /** Idle objects that are kept at most. */
  readonly maxIdle: number;
  /** Objects made at once. Default 0. */
  readonly preallocate?: number;
}

/** A pool of objects at one moment. */
export interface ObjectPoolStats {
  readonly idleCount: number;
  /** Objects out; one that is never released stays counted and is collected as any other object. */
  readonly leasedCount: number;
  readonly createdCount: number;
  readonly acquiredCount: number;
  /** Objects released when the pool was full. */
  readonly droppedCount: number;
}

/** What the pool knows of an object; it hangs on the object weakly. */
interface Slot<T extends object> {
  readonly object: T;
  isLeased: boolean;
}

/** A pool of objects of one type. Make it with {@link createObjectPool}. */
export class ObjectPool<T extends object> {
  readonly #create: () => T;
  readonly #reset: ((object: T) => void) | undefined;
  readonly #destroy: ((object: T) => void) | undefined;
  readonly #maxIdle: number;
  readonly #idle: Slot<T>[] = [];
  readonly #slots = new WeakMap<T, Slot<T>>();
  #isClosed = false;
  #leased = 0;
  #created = 0;
  #acquired = 0;
  #dropped = 0;

  /** Use {@link createObjectPool}. */
  constructor(options: ObjectPoolOptions<T>) {
    this.#create = options.create;
    this.#reset = options.reset;
    this.#destroy = options.destroy;
    this.#maxIdle = options.maxIdle;
    for (let i = 0; i < (options.preallocate ?? 0); i++) this.#idle.push(this.#make());
  }

  /**
   * An object in its first state: an idle one, the one released last first, or a new one.
   *
   * @throws PoolClosedError after `close`.
   */
  acquire(): T {
    if (this.#isClosed) throw new PoolClosedError('The pool is closed');
    const slot = this.#idle.pop() ?? this.#make();
    slot.isLeased = true;
    this.#leased++;
    this.#acquired++;
    return slot.object;
  }

  /**
   * Resets an object and takes it back; drops it when `maxIdle` are idle or the pool is closed. When `reset` throws,
   * the object is dropped and the error passed on.
   *
   * @throws LeaseReleasedError when it was released already. @throws ForeignLeaseError when it is not of this pool.
   */
  release(object: T): void {
    const slot = this.#slots.get(object);
    if (slot === undefined)
      throw new ForeignLeaseError(`object: ${describe(object)} was not acquired from this pool`);
    if (!slot.isLeased) throw new LeaseReleasedError('object: it was released already');
    slot.isLeased = false;
    this.#leased--;
    if (this.#reset !== undefined) {
      try {
        this.#reset(object);
      } catch (error) {
        this.#drop(object);
        throw error;
      }
    }
    if (this.#idle.length < this.#maxIdle && !this.#isClosed) this.#idle.push(slot);
    else this.#drop(object);
  }

  /**
   * Lets go of idle objects until `keepCount` are left, those idle longest first; returns how many went. When `destroy` throws, the
   * others go all the same, and the first error is passed on.
   */
  trim(keepCount = 0): number {
    checkInteger('keepCount', keepCount, 0, Number.MAX_SAFE_INTEGER);
    const gone = this.#idle.splice(0, Math.max(0, this.#idle.length - keepCount));
    const errors: unknown[] = [];
    for (const slot of gone) {
      try {
        this.#letGo(slot.object);
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
    return gone.length;
  }

  /** A snapshot. */
  stats(): ObjectPoolStats {
    return {
      idleCount: this.#idle.length,
      leasedCount: this.#leased,
      createdCount: this.#created,
      acquiredCount: this.#acquired,
      droppedCount: this.#dropped,
    };
  }

  /** Keeps nothing from now on: idle objects go at once, others at their release. Can be called twice. */
  close(): void {
    this.#isClosed = true;
    this.trim();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #make(): Slot<T> {
    const slot: Slot<T> = { object: this.#create(), isLeased: false };
    if (typeof slot.object !== 'object' || slot.object === null) {
      throw new ArgumentTypeError(`create: expected it to return an object, got ${describe(slot.object)}`);
    }
    this.#slots.set(slot.object, slot);
    this.#created++;
    return slot;
  }

  #drop(object: T): void {
    this.#dropped++;
    this.#letGo(object);
  }

  #letGo(object: T): void {
    this.#slots.delete(object);
    this.#destroy?.(object);
  }
}

/**
 * Makes a pool of objects that are reset instead of made anew.
 *
 * V8 allocates small objects in a few nanoseconds: a pool pays for objects that are costly to make or large (arrays,
 * maps, parsers), and to keep garbage collection out of a loop.
 *
 * @throws ArgumentTypeError, ArgumentRangeError when an option is invalid.
 * @example
 * const pool = createObjectPool({ create: () => [] as number[], reset: (list) => { list.length = 0; }, maxIdle: 100 });
 * const list = pool.acquire();
 * list.push(1, 2, 3);
 * pool.release(list);
 */
export function createObjectPool<T extends object>(options: ObjectPoolOptions<T>): ObjectPool<T> {
  if (typeof options !== 'object' || options === null) {
    throw new ArgumentTypeError(`options: expected an object, got ${describe(options)}`);
  }
  const { create, reset, destroy, maxIdle, preallocate = 0 } = options;
  checkFunction('create', create);
  if (reset !== undefined) checkFunction('reset', reset);
  if (destroy !== undefined) checkFunction('destroy', destroy);
  checkInteger('maxIdle', maxIdle, 0, Number.MAX_SAFE_INTEGER);
  checkInteger('preallocate', preallocate, 0, maxIdle);
  return new ObjectPool(options);
}

function checkFunction(name: string, value: unknown): void {
  if (typeof value !== 'function')
    throw new ArgumentTypeError(`${name}: expected a function, got ${describe(value)}`);
}
