import type {
  LeaseAnswer,
  RegionOptions,
  Tier,
  TierEntry,
  TierListener,
  TierRegion,
  TierWrite,
} from '@hotpath/cache';

/** An entry, a lease, or a lease over an entry. */
type Held = { readonly entry?: TierEntry; readonly token?: string };

/** A shared store for tests without a server: one `Map`, leases, messages, and faults on demand. */
export class DoubleStore {
  readonly entries = new Map<string, Held>();
  readonly listeners = new Set<TierListener>();
  readonly calls: string[] = [];
  /** What is said with a lease, by key of the region. */
  readonly minVersions = new Map<string, number>();
  now: () => number = Date.now;
  /** What every call waits for before it does anything. */
  gate: (call: string) => Promise<void> = () => Promise.resolve();
  /** What every read waits for before it answers with what it found. */
  answerGate: () => Promise<void> = () => Promise.resolve();
  #tokenCount = 0;

  tier(
    options: {
      readonly name?: string;
      readonly deadlineMs?: number;
      readonly leases?: boolean;
      readonly readsOrAcquires?: boolean;
    } = {},
  ): Tier {
    const { leases = true, readsOrAcquires = false, ...rest } = options;
    return {
      name: 'double',
      deadlineMs: 1000,
      ...rest,
      open: (options) => {
        const region = this.#open(options, leases);
        const { lease } = region;
        if (!readsOrAcquires || lease === undefined) return region;
        return {
          ...region,
          lease: { ...lease, readOrAcquire: (key, leaseMs) => lease.acquire(key, leaseMs) },
        };
      },
      subscribe: (listener) => {
        this.listeners.add(listener);
        listener.onUp();
        listener.onHeard(performance.now());
        return { close: () => this.listeners.delete(listener) };
      },
    };
  }

  /** A hung tier: calls begun from now on answer only when the returned function is called. */
  hang(): () => void {
    const { promise, resolve } = withResolvers();
    this.gate = () => promise;
    return () => {
      this.gate = () => Promise.resolve();
      resolve();
    };
  }

  down(): void {
    for (const listener of this.listeners) listener.onDown();
  }

  up(): void {
    for (const listener of this.listeners) {
      listener.onUp();
      listener.onHeard(performance.now());
    }
  }

  #find(key: string): Held | undefined {
    const held = this.entries.get(key);
    return held?.entry !== undefined && held.entry.expiresAt <= this.now() ? undefined : held;
  }

  #open({ prefix, name, origin }: RegionOptions, leases: boolean): TierRegion {
    const call = async (what: string): Promise<void> => {
      this.calls.push(what);
      await this.gate(what);
    };
    const entryOf = (key: string): TierEntry | undefined => this.#find(prefix + key)?.entry;
    const put = ({ key, ...entry }: TierWrite): void => {
      this.entries.set(prefix + key, { entry });
    };
    const tell = (keys: readonly string[] | undefined): void => {
      for (const listener of this.listeners) {
        if (listener.origin !== origin) listener.onChanged(name, keys);
      }
    };
    const region: TierRegion = {
      getMany: async (keys) => {
        await call(`getMany ${keys.join()}`);
        const found = keys.map(entryOf);
        await this.answerGate();
        return found;
      },
      setMany: async (writes) => {
        await call(`setMany ${writes.map((write) => write.key).join()}`);
        for (const write of writes) put(write);
        tell(writes.map((write) => write.key));
      },
      deleteMany: async (keys) => {
        await call(`deleteMany ${keys.join()}`);
        for (const key of keys) this.entries.delete(prefix + key);
        tell(keys);
      },
      clear: async (below = '') => {
        await call('clear');
        for (const key of this.entries.keys()) {
          if (!key.startsWith(prefix)) continue;
          const name = key.slice(prefix.length);
          if (name.startsWith(below) || name.startsWith('~')) this.entries.delete(key);
        }
        tell(undefined);
      },
    };
    if (!leases) return region;
    return {
      ...region,
      lease: {
        acquire: async (key, _leaseMs, freshBeyond = -Infinity): Promise<LeaseAnswer> => {
          await call(`acquire ${key}`);
          const held = this.#find(prefix + key);
          if (held?.token !== undefined) return { kind: 'held' };
          const entry = held?.entry;
          if (entry !== undefined && entry.freshUntil > freshBeyond) return { kind: 'hit', entry };
          const token = `t${this.#tokenCount++}`;
          this.entries.set(prefix + key, entry === undefined ? { token } : { token, entry });
          const minVersion = this.minVersions.get(key);
          return minVersion === undefined
            ? { kind: 'granted', token }
            : { kind: 'granted', token, minVersion };
        },
        fill: async (write, token) => {
          await call(`fill ${write.key}`);
          if (this.entries.get(prefix + write.key)?.token !== token) return false;
          put(write);
          return true;
        },
        release: async (key, token) => {
          await call(`release ${key}`);
          const held = this.entries.get(prefix + key);
          if (held?.token !== token) return;
          if (held.entry === undefined) this.entries.delete(prefix + key);
          else this.entries.set(prefix + key, { entry: held.entry });
        },
      },
    };
  }
}

/** `Promise.withResolvers`, which Node 20 lacks. */
export function withResolvers<T = void>(): {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (reason: Error) => void;
} {
  let resolve!: (value: T) => void;
  let reject!: (reason: Error) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

/** A clock that only moves when told to. */
export class TestClock {
  #now = 1_000_000;
  readonly now = (): number => this.#now;

  advance(ms: number): void {
    this.#now += ms;
  }
}

/** Resolves when what is scheduled now, and what that schedules, has run. */
export function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
