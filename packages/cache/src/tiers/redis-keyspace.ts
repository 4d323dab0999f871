import type { ChainableCommander, Cluster, Redis } from 'ioredis';

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
    return this.#client.mget([...keys]);
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

/**
 * One command a key, each to the node of its slot: hash tags would let several keys share a command, and would put a whole
 * definition on one node.
 */
class ClusterKeyspace implements Keyspace {
  readonly #client: Cluster;

  constructor(client: Cluster) {
    this.#client = client;
  }

  get(key: string): Promise<string | null> {
    return this.#client.get(key);
  }

  mget(keys: readonly string[]): Promise<readonly (string | null)[]> {
    return Promise.all(keys.map((key) => this.#client.get(key)));
  }

  async set(settings: readonly Setting[], channel: string, message: string): Promise<void> {
    await Promise.all(
      settings.map(({ key, text, px }) =>
        px === '' ? this.#client.set(key, text) : this.#client.set(key, text, 'PX', px),
      ),
    );
    await this.#client.publish(channel, message);
  }

  async delete(keys: readonly string[], channel: string, message: string): Promise<void> {
    await Promise.all(keys.map((key) => this.#client.del(key)));
    await this.#client.publish(channel, message);
  }

  async deletePrefix(prefix: string): Promise<void> {
    const unlink = (keys: string[]): Promise<unknown> =>
      Promise.all(keys.map((key) => this.#client.unlink(key)));
    const clientPrefix = this.#client.options.keyPrefix ?? '';
    await Promise.all(
      this.#client.nodes('master').map((node) => scanAndUnlink(node, clientPrefix, prefix, unlink)),
    );
  }
}
