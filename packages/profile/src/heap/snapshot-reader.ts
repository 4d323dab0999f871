/**
 * Reads the text of a heap snapshot as it comes, and keeps only sums by constructor. Pure.
 *
 *   {"snapshot": {"meta": {…}, "node_count": n}, "nodes": [type, name, id, self_size …], "edges": […] …, "strings": ["…"]}
 *     └ which fields a node has                    └ summed as they pass                    └ skipped  └ names of what was summed
 *
 * A snapshot is about as large as the heap it shows, so it is never held: what is held is two numbers a constructor. A node's
 * name is an index into `strings`, which comes last; strings that nobody asked for are skipped byte by byte.
 */

import { SnapshotFormatError } from '../errors.ts';

/** One constructor's objects, or one kind of what is not made by a constructor, in brackets: `(string)`, `(array)`. */
export interface HeapKind {
  readonly name: string;
  readonly count: number;
  /** Of the objects themselves, without what they hold. */
  readonly selfBytes: number;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const COLON = 0x3a;
const ZERO = 0x30;
const NINE = 0x39;

/** What V8 names by its content or not at all, is told by its kind, as DevTools do. Objects and native ones have names. */
const KIND_NAMES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    hidden: '(system)',
    array: '(array)',
    string: '(string)',
    code: '(compiled code)',
    closure: '(closure)',
    regexp: '(regexp)',
    number: '(number)',
    synthetic: '(synthetic)',
    'concatenated string': '(string)',
    'sliced string': '(string)',
    symbol: '(symbol)',
    bigint: '(bigint)',
    'object shape': '(object shape)',
    'wasm object': '(wasm object)',
  }),
);

interface Sum {
  count: number;
  selfBytes: number;
}

interface Meta {
  readonly node_fields: readonly string[];
  readonly node_types: readonly [readonly string[], ...unknown[]];
}

/** Reads a value; gives the first byte after it, or the chunk's length while the value goes on. */
type Reading = (chunk: Uint8Array, from: number) => number;

export class SnapshotReader {
  #state: 'outside' | 'key' | 'colon' | 'value' | 'done' = 'outside';
  #key = '';
  #reading: Reading | undefined;
  #isFinished = false;

  /** Where fields stand in a node, known once `snapshot` was read. */
  #fieldCount = 0;
  #typeField = 0;
  #nameField = 0;
  #sizeField = 0;
  #typeNames: readonly string[] = [];
  #nodeCount = 0;

  #seenCount = 0;
  readonly #byType: Sum[] = [];
  readonly #byName = new Map<number, Sum>();
  readonly #names = new Map<number, string>();
  #hasStrings = false;

  /**
   * Takes the next bytes, of any number.
   *
   * @throws {SnapshotFormatError} this is no heap snapshot.
   */
  push(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#reading !== undefined) {
        at = this.#reading(chunk, at);
        if (this.#isFinished) {
          this.#isFinished = false;
          this.#reading = undefined;
        }
      } else {
        this.#structure(chunk[at]!);
        // The first byte of a value belongs to its reader.
        if (this.#reading === undefined) at++;
      }
    }
  }

  /**
   * The sums, in no order.
   *
   * @throws {SnapshotFormatError} the text ended before the snapshot did.
   */
  finish(): readonly HeapKind[] {
    if (this.#state !== 'done' || !this.#hasStrings || this.#seenCount !== this.#nodeCount) {
      if (this.#fieldCount === 0) throw new SnapshotFormatError('not a heap snapshot');
      throw new SnapshotFormatError(
        `a heap snapshot of ${this.#nodeCount} nodes ended after ${this.#seenCount}`,
      );
    }
    const kinds = new Map<string, Sum>();
    const add = (name: string, { count, selfBytes }: Sum): void => {
      const sum = kinds.get(name);
      if (sum === undefined) kinds.set(name, { count, selfBytes });
      else {
        sum.count += count;
        sum.selfBytes += selfBytes;
      }
    };
    for (const [type, sum] of this.#byType.entries()) {
      if (sum !== undefined && sum.count > 0) add(KIND_NAMES.get(this.#typeNames[type]!)!, sum);
    }
    for (const [index, sum] of this.#byName) add(this.#names.get(index) ?? '(unnamed)', sum);
    return [...kinds].map(([name, sum]) => ({ name, ...sum }));
  }

  /** Between values. */
  #structure(byte: number): void {
    if (byte <= 0x20) return;
    switch (this.#state) {
      case 'outside': {
        if (byte !== OPEN_BRACE) throw unexpected('an object', byte);
        this.#state = 'key';
        return;
      }
      case 'key': {
        if (byte === CLOSE_BRACE) this.#state = 'done';
        else if (byte === QUOTE) {
          this.#reading = collecting((key) => {
            this.#key = parsed(key) as string;
            this.#state = 'colon';
            this.#isFinished = true;
          });
        } else if (byte !== 0x2c) throw unexpected('a key', byte);
        return;
      }
      case 'colon': {
        if (byte !== COLON) throw unexpected('a colon', byte);
        this.#state = 'value';
        return;
      }
      case 'value': {
        this.#reading = this.#readerOf(this.#key);
        return;
      }
      case 'done': {
        throw unexpected('the end', byte);
      }
    }
  }

  #readerOf(key: string): Reading {
    const end = (): void => {
      this.#state = 'key';
      this.#isFinished = true;
    };
    if (key === 'snapshot') {
      return collecting((text) => {
        this.#readMeta(text);
        end();
      });
    }
    if (key === 'nodes') {
      if (this.#fieldCount === 0) throw new SnapshotFormatError('nodes come before their description');
      return this.#nodes(end);
    }
    if (key === 'strings') {
      this.#hasStrings = true;
      return this.#strings(end);
    }
    return skipping(end);
  }

  #readMeta(text: string): void {
    const { meta, node_count: nodeCount } = parsed(text) as {
      readonly meta?: Meta;
      readonly node_count?: number;
    };
    const fields = meta?.node_fields;
    if (!Array.isArray(fields) || !Array.isArray(meta?.node_types?.[0]) || typeof nodeCount !== 'number') {
      throw new SnapshotFormatError('the description of a heap snapshot lacks its fields');
    }
    this.#fieldCount = fields.length;
    this.#typeField = fields.indexOf('type');
    this.#nameField = fields.indexOf('name');
    this.#sizeField = fields.indexOf('self_size');
    this.#typeNames = meta.node_types[0];
    this.#nodeCount = nodeCount;
    if (Math.min(this.#typeField, this.#nameField, this.#sizeField) < 0) {
      throw new SnapshotFormatError('nodes without type, name or self_size');
    }
  }

  /** The long one: a state machine over digits, whose state lives in locals while a chunk lasts. */
  #nodes(end: () => void): Reading {
    let [field, number, hasDigits, type, name, size] = [0, 0, false, 0, 0, 0];
    return (chunk, from) => {
      for (let at = from; at < chunk.length; at++) {
        const byte = chunk[at]!;
        if (byte >= ZERO && byte <= NINE) {
          number = number * 10 + byte - ZERO;
          hasDigits = true;
          continue;
        }
        if (hasDigits) {
          if (field === this.#typeField) type = number;
          else if (field === this.#nameField) name = number;
          else if (field === this.#sizeField) size = number;
          if (++field === this.#fieldCount) {
            field = 0;
            this.#count(type, name, size);
          }
          number = 0;
          hasDigits = false;
        }
        if (byte === CLOSE_BRACKET) {
          end();
          return at + 1;
        }
      }
      return chunk.length;
    };
  }

  #count(type: number, name: number, size: number): void {
    this.#seenCount++;
    const typeName = this.#typeNames[type];
    let sum: Sum | undefined;
    if (typeName === undefined || !KIND_NAMES.has(typeName)) {
      sum = this.#byName.get(name);
      if (sum === undefined) this.#byName.set(name, (sum = { count: 0, selfBytes: 0 }));
    } else {
      sum = this.#byType[type] ??= { count: 0, selfBytes: 0 };
    }
    sum.count++;
    sum.selfBytes += size;
  }

  #strings(end: () => void): Reading {
    let index = 0;
    let reading: Reading | undefined;
    const close = (): void => {
      index++;
      reading = undefined;
    };
    return (chunk, from) => {
      let at = from;
      while (at < chunk.length) {
        if (reading !== undefined) {
          at = reading(chunk, at);
          continue;
        }
        const byte = chunk[at]!;
        if (byte === QUOTE) {
          const wanted = index;
          reading = this.#byName.has(wanted)
            ? collecting((text) => {
                this.#names.set(wanted, parsed(text) as string);
                close();
              })
            : skipping(close);
        } else {
          at++;
          if (byte === CLOSE_BRACKET) {
            end();
            return at;
          }
        }
      }
      return at;
    };
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new SnapshotFormatError('not a heap snapshot', { cause });
  }
}

function unexpected(expected: string, byte: number): SnapshotFormatError {
  return new SnapshotFormatError(`expected ${expected}, got ${JSON.stringify(String.fromCharCode(byte))}`);
}

/** Passes over one string, array or object. */
function skipping(done: () => void): Reading {
  let depth = 0;
  let isText = false;
  let isEscaped = false;
  return (chunk, from) => {
    for (let at = from; at < chunk.length; at++) {
      const byte = chunk[at]!;
      if (isText) {
        if (isEscaped) isEscaped = false;
        else if (byte === BACKSLASH) isEscaped = true;
        else if (byte === QUOTE) {
          isText = false;
          if (depth === 0) return finished(done, at);
        }
      } else if (byte === QUOTE) isText = true;
      else if (byte === OPEN_BRACKET || byte === OPEN_BRACE) depth++;
      else if ((byte === CLOSE_BRACKET || byte === CLOSE_BRACE) && --depth === 0) return finished(done, at);
    }
    return chunk.length;
  };
}

function finished(done: () => void, at: number): number {
  done();
  return at + 1;
}

/** Passes over one value and hands its text to `done`. */
function collecting(done: (text: string) => void): Reading {
  const parts: Uint8Array[] = [];
  let isDone = false;
  const skip = skipping(() => {
    isDone = true;
  });
  return (chunk, from) => {
    const to = skip(chunk, from);
    parts.push(chunk.slice(from, to));
    if (isDone) done(Buffer.concat(parts).toString('utf8'));
    return to;
  };
}
