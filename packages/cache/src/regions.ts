import { randomBytes } from 'node:crypto';
import { isCopyable } from './copy.ts';
import { resolveDefinition, type ResolvedDefinition } from './define-options.ts';
import { GuardedRegion } from './guard/guarded-region.ts';
import type { ResolvedOptions } from './options.ts';
import { CopyingRegion } from './region/copying-region.ts';
import { Keeper } from './region/keeper.ts';
import { Levels } from './region/levels.ts';
import { Life } from './region/life.ts';
import { Loader } from './region/loader.ts';
import { Region, type RegionParts } from './region/region.ts';
import { type RegionStats, statsOfRegion } from './stats.ts';
import { newStand, TagIndex } from './tags.ts';
import type { RegionOptions } from './tier.ts';
import type { MemoryRegion } from './tiers/memory.ts';

/** The region of the tags; no definition can have this name. */
const TAGS = '.tags';

/** What a region of one kind has and another has not. */
export type RegionExtras<Id> = Pick<
  Partial<RegionParts<Id>>,
  'loader' | 'ttlOf' | 'versionOf' | 'pendingOf' | 'onChange' | 'sketch'
> & {
  readonly tagsOf?: ((id: Id) => readonly string[]) | undefined;
  readonly jitter?: number;
  readonly memoryTtlMs?: number;
};

/** The regions of one cache, each put together from the tiers: those of definitions, of the plain keys, and the cache's own. */
export class Regions {
  /** Of the cache in this process, for all its messages. */
  readonly origin: string = randomBytes(9).toString('base64url');
  readonly #options: ResolvedOptions;
  readonly #byName = new Map<string, Region<never>>();
  /** By region. */
  readonly #memories = new Map<string, MemoryRegion>();

  constructor(options: ResolvedOptions) {
    this.#options = options;
  }

  get byName(): ReadonlyMap<string, Region<never>> {
    return this.#byName;
  }

  stats(): readonly RegionStats[] {
    return Array.from(this.#byName.values(), (region) =>
      statsOfRegion(region, this.#memories.get(region.name)),
    );
  }

  /** A region of the cache's own; opened when it is first needed. */
  internal(name: string): Region<undefined> {
    const regionName = `.${name}`;
    const region =
      this.#byName.get(regionName) ??
      this.open<undefined>(regionName, resolveDefinition({}, this.#options.ttlMs), {});
    return region as unknown as Region<undefined>;
  }

  /** Where all processes find what each tag stands at. */
  tags(): Region<string> {
    const open = this.#byName.get(TAGS) as unknown as Region<string> | undefined;
    if (open !== undefined) return open;
    const resolved = resolveDefinition<string, string>({ ttlMs: Infinity }, Infinity);
    return this.open<string>(TAGS, resolved, {
      loader: new Loader<unknown, string>(TAGS, newStand, undefined, resolved.loadTimeoutMs),
      onChange: (tags) => {
        for (const region of this.#byName.values()) region.forgetTags(tags);
      },
    });
  }

  /** The name must be free. @throws what opening it in a tier throws; there is then no such region. */
  open<Id>(name: string, resolved: ResolvedDefinition, extras: RegionExtras<Id>): Region<Id> {
    const { namespace, clock, memoryClock, memory, values, surroundings, random } = this.#options;
    const { jitter = this.#options.jitter, tagsOf, loader } = extras;
    const options: RegionOptions = {
      name,
      namespace,
      origin: this.origin,
      prefix: `${namespace}:${name}:`,
      clock,
      ...(resolved.maxEntries === undefined ? {} : { maxEntries: resolved.maxEntries }),
      ...(resolved.maxBytes === undefined ? {} : { maxBytes: resolved.maxBytes }),
    };
    const inMemory = memory?.open({ ...options, clock: memoryClock });
    const tiers = this.#options.guards.map((guard) => {
      const { tier } = guard;
      const isChecked = values === 'copied' && tier.plain !== true;
      return new GuardedRegion(guard, tier.open(options), isChecked ? isCopyable : undefined);
    });
    const life = new Life({ ...resolved, jitter, random, clock });
    const maxTtlMs = Math.min(memory?.maxTtlMs ?? 0, extras.memoryTtlMs ?? Infinity);
    const keeper = new Keeper(inMemory, maxTtlMs, life, values, surroundings);
    const opened = new (values === 'copied' ? CopyingRegion<Id> : Region<Id>)({
      name,
      keeper,
      levels: new Levels(tiers, life, resolved.leaseMs, loader !== undefined),
      loader,
      life,
      softTimeoutMs: resolved.softTimeoutMs,
      ttlOf: resolved.ttlOf === undefined ? undefined : extras.ttlOf,
      versionOf: extras.versionOf,
      tags:
        tagsOf === undefined
          ? undefined
          : this.#indexOf(tagsOf, () => {
              opened.forget(undefined);
            }),
      pendingOf: extras.pendingOf,
      onChange: extras.onChange,
      sketch: extras.sketch,
    });
    if (inMemory !== undefined) this.#memories.set(name, inMemory);
    // Nobody asks a region of the table for a value, so nobody has to know what its ids are.
    this.#byName.set(name, opened as unknown as Region<never>);
    return opened;
  }

  #indexOf<Id>(tagsOf: (id: Id) => readonly string[], onOverflow: () => void): TagIndex<Id> {
    const stands = this.tags();
    const standsOf = (names: readonly string[]): Promise<string[]> =>
      Promise.all(names.map((tag) => stands.get(tag, tag) as Promise<string>));
    return new TagIndex<Id>(tagsOf, standsOf, onOverflow);
  }
}
