import { checkCount, checkFunction, checkObject, checkTimerMs } from '../check.ts';
import type { Region } from '../region/region.ts';
import { type HotKey, SpaceSaving } from './sketch.ts';

/** How a definition finds its hot keys. */
export interface HotKeysOptions<Id> {
  /** Keys counted; 1000 by default. */
  readonly capacity?: number;
  /** How often they are saved in the levels, merged with what other processes have seen, in ms; 60,000 by default. */
  readonly saveEveryMs?: number;
  /** The id of a key; needed when ids are no strings, and with the option `key`. */
  readonly idOf?: (key: string) => Id;
}

/** What was saved is forgotten after a week without a process. */
const SAVED_TTL_MS = 7 * 86_400_000;

/** Counts the reads of one definition by key, and saves the counts where the next process finds them. */
export class HotKeys<Id> {
  readonly sketch: SpaceSaving;
  readonly idOf: (key: string) => Id;
  readonly #name: string;
  readonly #region: Region<undefined>;
  readonly #everyMs: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(name: string, options: HotKeysOptions<Id>, region: Region<undefined>) {
    checkObject('hotKeys', options);
    const { idOf } = options;
    if (idOf !== undefined) checkFunction('hotKeys.idOf', idOf);
    this.sketch = new SpaceSaving(checkCount('hotKeys.capacity', options.capacity ?? 1000));
    // Without it ids are strings: that is what the option's documentation asks for.
    this.idOf = idOf ?? ((key) => key as Id);
    this.#name = name;
    this.#region = region;
    this.#everyMs = checkTimerMs('hotKeys.saveEveryMs', options.saveEveryMs ?? 60_000);
  }

  /** Saves from now on, until {@link stop}. */
  start(): void {
    this.#timer = setInterval(() => {
      void this.save().catch(() => {
        // Closed in the meantime.
      });
    }, this.#everyMs).unref();
  }

  /** What all processes have saved, the most often read first. */
  async saved(limit: number): Promise<readonly HotKey[]> {
    const saved = await this.#region.get(this.#name, undefined);
    return Array.isArray(saved) ? (saved as readonly HotKey[]).slice(0, limit) : [];
  }

  /** Adds half of what was saved to what this process has seen, and begins anew. Two that save at once: one counts. */
  async save(): Promise<void> {
    const merged = new SpaceSaving(1000);
    for (const { key, count } of await this.saved(1000)) merged.add(key, count >> 1);
    for (const { key, count } of this.sketch.top(1000)) merged.add(key, count);
    this.sketch.halve();
    const top = merged.top(1000).filter(({ count }) => count > 0);
    if (top.length > 0) await this.#region.write([[this.#name, top]], SAVED_TTL_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
