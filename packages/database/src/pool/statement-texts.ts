import { createHash } from 'node:crypto';
import { ArgumentRangeError } from '../errors.ts';
import { callsOnlyKnown, onlyReads, textChangesSession } from './session-state.ts';

/** How the calls of one text may share a Sync; one object for all of them. */
export interface SyncGrouping {
  /** How many more go each with a Sync of its own: set when some failed together, or took long. */
  alone: number;
  /** What a call of it is expected to take the server, in milliseconds: see groups.ts. */
  callMs: number;
  /** Most that share a Sync: grows with what is known of them. */
  most: number;
}

/** What is known of a statement's text alone, shared by all connections. */
export interface StatementText {
  readonly text: string;
  /**
   * Name on the server, made of the text: the same name can only mean the same statement, even where a proxy lends one
   * server connection to several processes.
   */
  readonly name: string;
  /** The text may change what the next user of the connection would meet. */
  readonly changesSession: boolean;
  /** It only reads, so it may share a connection with others. */
  readonly shareable: boolean;
  /** `undefined` where each call of it needs a Sync of its own. */
  readonly group: SyncGrouping | undefined;
}

/** The protocol ends a text at its first NUL, and would read the rest as something else; UTF-8 has no bytes for half a character. */
export function checkText(text: string): void {
  if (text.includes('\0')) throw new ArgumentRangeError('text: expected no NUL character');
  if (!text.isWellFormed()) {
    throw new ArgumentRangeError('text: expected a well-formed one, got half a surrogate pair');
  }
}

/** Texts that were seen, the oldest dropped first: dropping a hot one costs a hash. */
export class StatementTexts {
  readonly #known = new Map<string, StatementText>();
  readonly #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** The entry of a text, made on the first use. */
  for(text: string): StatementText {
    let entry = this.#known.get(text);
    if (entry !== undefined) return entry;
    checkText(text);
    const shareable = onlyReads(text);
    entry = {
      text,
      name: `hp_${createHash('sha256').update(text).digest('hex').slice(0, 32)}`,
      changesSession: textChangesSession(text),
      shareable,
      group: shareable && callsOnlyKnown(text) ? { alone: 0, callMs: 0, most: 1 } : undefined,
    };
    if (this.#known.size >= this.#capacity) this.#known.delete(this.#known.keys().next().value!);
    this.#known.set(text, entry);
    return entry;
  }
}

/** A statement that is prepared on one connection. */
export interface Prepared<Shape> {
  readonly name: string;
  /** Columns of its result, once the server has described them. */
  shape: Shape | undefined;
}

/** The statements prepared on one connection: least recently used out first. O(1). */
export class PreparedStatements<Shape> {
  readonly #byName = new Map<string, Prepared<Shape>>();
  readonly #capacity: number;
  #newest: Prepared<Shape> | undefined;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get count(): number {
    return this.#byName.size;
  }

  get(name: string): Prepared<Shape> | undefined {
    const newest = this.#newest;
    if (newest !== undefined && newest.name === name) return newest;
    const found = this.#byName.get(name);
    if (found === undefined) return undefined;
    this.#byName.delete(name);
    this.#byName.set(name, found);
    this.#newest = found;
    return found;
  }

  /** Adds one; returns the name of the one that had to go, which must be closed on the server. */
  add(name: string): string | undefined {
    const added: Prepared<Shape> = { name, shape: undefined };
    this.#byName.set(name, added);
    this.#newest = added;
    if (this.#byName.size <= this.#capacity) return undefined;
    const oldest = this.#byName.keys().next().value!;
    this.#byName.delete(oldest);
    return oldest;
  }

  delete(name: string): void {
    this.#byName.delete(name);
    if (this.#newest?.name === name) this.#newest = undefined;
  }

  clear(): void {
    this.#byName.clear();
    this.#newest = undefined;
  }
}
