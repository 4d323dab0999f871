import type { ChainableCommander, Cluster, Redis } from 'ioredis';
import { type NodeShare, shareOut } from './redis-slots.ts';

/** Keys looked at, and keys deleted, by one command of `deletePrefix`. */
const SCAN_BATCH = 500;

/** A value to be set, for `px` ms or for ever. */
export interface Setting {
  readonly key: string;
  readonly text: string;
  readonly px: number | '';
}

/** Commands over several keys, on one server or over the slots of a cluster. */
export interface Keyspace {
  get(key: string): Promise<string | null>;
  mget(keys: readonly string[]): Promise<readonly (string | null)[]>;
  /** Also publishes a message, after the keys are set. */
  set(settings: readonly Setting[], channel: string, message: string): Promise<void>;
  delete(keys: readonly string[], channel: string, message: string): Promise<void>;
  deletePrefix(prefix: string): Promise<void>;
}

export function keyspaceOf(client: Redis | Cluster): Keyspace {
  return client.isCluster ? new ClusterKeyspace(client as Cluster) : new ServerKeyspace(client as Redis);
}

function addSet(pipeline: ChainableCommander, { key, text, px }: Setting): void {
  if (px === '') pipeline.set(key, text);
  else pipeline.set(key, text, 'PX', px);
}

/** A pipeline resolves even when its commands fail. */
async function succeed(pipeline: ChainableCommander): Promise<unknown[]> {
  const replies = (await pipeline.exec()) ?? [];
  for (const [error] of replies) if (error !== null) throw error;
  return replies.map(([, reply]) => reply);
}

async function scanAndUnlink(
  client: Redis,
  clientPrefix: string,
  prefix: string,
  unlink: (keys: string[]) => Promise<unknown>,
): Promise<void> {
  const pattern = `${(clientPrefix + prefix).replace(/[[\]*?\\^]/g, '\\$&')}*`;
  let cursor = '0';
  do {
    const [next, found] = await client.scan(cursor, 'MATCH', pattern, 'COUNT', SCAN_BATCH);
    // The client puts its own prefix before what it is given, and leaves it on what it finds.
    if (found.length > 0) await unlink(found.map((key) => key.slice(clientPrefix.length)));
    cursor = next;
  } while (cursor !== '0');
}

class ServerKeyspace implements Keyspace {
  readonly #client: Redis;

  constructor(client: Redis) {
    this.#client = client;
  }

  get(key: string): Promise<string | null> {
    return this.#client.get(key);
  }

  mget(keys: readonly string[]): Promise<readonly (string | null)[]> {
    return this.#client.mget(keys as string[]);
  }

  async set(settings: readonly Setting[], channel: string, message: string): Promise<void> {
    const pipeline = this.#client.pipeline();
    for (const setting of settings) addSet(pipeline, setting);
    await succeed(pipeline.publish(channel, message));
  }

  async delete(keys: readonly string[], channel: string, message: string): Promise<void> {
    await succeed(
      this.#client
        .pipeline()
        .del([...keys])
        .publish(channel, message),
    );
  }

  async deletePrefix(prefix: string): Promise<void> {
    await scanAndUnlink(this.#client, this.#client.options.keyPrefix ?? '', prefix, (keys) =>
      this.#client.unlink(keys),
    );
  }
}

/** What a node answers for a slot that is not its own (any more), or is on its way to another. */
const ELSEWHERE = /^(?:MOVED|ASK|TRYAGAIN|CLUSTERDOWN) /;

/** Something to be done with keys, given by index. */
interface Task {
  /** For several keys of one slot. */
  readonly add: (pipeline: ChainableCommander, indices: readonly number[]) => void;
  /** Of what `add` added. */
  readonly take?: (reply: unknown, indices: readonly number[]) => void;
  readonly alone: (index: number) => Promise<unknown>;
}

/**
 * One command for the keys of a slot, one pipeline for the slots of a node. Keys share a slot when they share a hash tag,
 * which is for the user to give: left to themselves they go everywhere, and no node has a whole definition.
 */
class ClusterKeyspace implements Keyspace {
  readonly #client: Cluster;

  constructor(client: Cluster) {
    this.#client = client;
  }

  get #clientPrefix(): string {
    return this.#client.options.keyPrefix ?? '';
  }

  get(key: string): Promise<string | null> {
    return this.#client.get(key);
  }

  async mget(keys: readonly string[]): Promise<readonly (string | null)[]> {
    const values = new Array<string | null>(keys.length).fill(null);
    await this.#run(this.#shareOut(keys), keys.length, {
      add: (pipeline, indices) => pipeline.mget(indices.map((index) => keys[index]!)),
      take: (reply, indices) => {
        const found = reply as readonly (string | null)[];
        for (let i = 0; i < indices.length; i++) values[indices[i]!] = found[i]!;
      },
      alone: async (index) => {
        values[index] = await this.#client.get(keys[index]!);
      },
    });
    return values;
  }

  async set(settings: readonly Setting[], channel: string, message: string): Promise<void> {
    // No command sets several with an expiry.
    const shares = this.#shareOut(settings.map(({ key }) => key))?.map((share) =>
      share.flatMap((indices) => indices.map((index) => [index])),
    );
    await this.#run(shares, settings.length, {
      add: (pipeline, indices) => {
        addSet(pipeline, settings[indices[0]!]!);
      },
      alone: (index) => {
        const { key, text, px } = settings[index]!;
        return px === '' ? this.#client.set(key, text) : this.#client.set(key, text, 'PX', px);
      },
    });
    await this.#client.publish(channel, message);
  }

  async delete(keys: readonly string[], channel: string, message: string): Promise<void> {
    await this.#run(this.#shareOut(keys), keys.length, {
      add: (pipeline, indices) => pipeline.del(indices.map((index) => keys[index]!)),
      alone: (index) => this.#client.del(keys[index]!),
    });
    await this.#client.publish(channel, message);
  }

  async deletePrefix(prefix: string): Promise<void> {
    const unlink = (keys: string[]): Promise<unknown> =>
      this.#run(this.#shareOut(keys), keys.length, {
        add: (pipeline, indices) => pipeline.unlink(indices.map((index) => keys[index]!)),
        alone: (index) => this.#client.unlink(keys[index]!),
      });
    const masters = await this.#masters(prefix);
    await Promise.all(masters.map((node) => scanAndUnlink(node, this.#clientPrefix, prefix, unlink)));
  }

  /** Those that have slots. `key` is one that may be read. @throws when one of them is out of reach. */
  async #masters(key: string): Promise<readonly Redis[]> {
    // Until it is ready the client knows some of its nodes, or none; a command waits for that.
    if (this.#client.status !== 'ready') await this.#client.get(key);
    const known = this.#knownMasters();
    if (known !== undefined) return known;
    // Of one whose connection was lost it knows no more, until it looks at the slots again.
    await new Promise((resolve) => {
      this.#client.refreshSlotsCache(resolve);
    });
    const found = this.#knownMasters();
    if (found === undefined) throw new Error('a node of the cluster is out of reach');
    return found;
  }

  #knownMasters(): Redis[] | undefined {
    const nodes = new Map<string, Redis>();
    for (const node of this.#client.nodes('master')) {
      const { host, port } = node.options;
      nodes.set(`${host}:${port}`, node);
    }
    const names = new Set<string>();
    for (const slot of this.#client.slots) if (slot?.[0] !== undefined) names.add(slot[0]);
    const masters = Array.from(names, (name) => nodes.get(name));
    return masters.includes(undefined) ? undefined : (masters as Redis[]);
  }

  /** @returns `undefined` before the client knows its cluster. */
  #shareOut(keys: readonly string[]): NodeShare[] | undefined {
    const prefix = this.#clientPrefix;
    return shareOut(prefix === '' ? keys : keys.map((key) => prefix + key), this.#client.slots);
  }

  /** The client follows redirections of a pipeline only where all of it is redirected: the rest is asked for one by one. */
  async #run(shares: NodeShare[] | undefined, count: number, { add, take, alone }: Task): Promise<void> {
    if (shares === undefined) {
      await Promise.all(Array.from({ length: count }, (_, index) => alone(index)));
      return;
    }
    await Promise.all(
      shares.map(async (share) => {
        const pipeline = this.#client.pipeline();
        for (const indices of share) add(pipeline, indices);
        const moved: number[] = [];
        // It is refused as a whole when the client's map of the slots has just changed.
        const replies = await pipeline.exec().catch(() => null);
        for (const [i, indices] of share.entries()) {
          const [error, reply] = replies?.[i] ?? [undefined];
          if (error === null) take?.(reply, indices);
          else if (error === undefined || ELSEWHERE.test(error.message)) moved.push(...indices);
          else throw error;
        }
        await Promise.all(moved.map(alone));
      }),
    );
  }
}
