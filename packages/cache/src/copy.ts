import { Deserializer, Serializer } from 'node:v8';
import { EncodeError } from './errors.ts';

/**
 * A copy that shares nothing with the value: dates, maps, sets and buffers stay what they are, instances of other classes
 * become plain objects. A view (a typed array, a Buffer, a DataView), at any depth, gets memory of its own and just as long
 * as it is, even where the value's is shared with other threads or a part of something larger. Primitives and functions are
 * returned as they are. O(what is reached).
 *
 * @throws {EncodeError} when there is something inside that cannot be cloned: a function for example, or shared memory itself.
 */
export function copyOf<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  try {
    if (ArrayBuffer.isView(value)) return copyOfView(value) as T;
    return holdsView(value) ? cloneOf(value) : structuredClone(value);
  } catch (error) {
    throw new EncodeError('the value cannot be copied', { cause: error });
  }
}

/** Whether {@link copyOf} would throw nothing. Takes as long as the copy does. */
export function isCopyable(value: unknown): boolean {
  try {
    copyOf(value);
    return true;
  } catch {
    return false;
  }
}

/** Whether `structuredClone` would share memory, or clone all that a view shows a part of. Takes far less than the clone does. */
function holdsView(value: object): boolean {
  const seen = new Set([value]);
  // Goes on to what is added on the way.
  for (const object of seen) {
    if (ArrayBuffer.isView(object) || object instanceof SharedArrayBuffer) return true;
    for (const child of childrenOf(object)) if (typeof child === 'object' && child !== null) seen.add(child);
  }
  return false;
}

function childrenOf(object: object): Iterable<unknown> {
  if (object instanceof Map) return [...(object as ReadonlyMap<unknown, unknown>)].flat();
  return object instanceof Set ? (object as ReadonlySet<unknown>) : (Object.values(object) as unknown[]);
}

function copyOfView(view: ArrayBufferView): ArrayBufferView {
  const memory = new ArrayBuffer(view.byteLength);
  new Uint8Array(memory).set(new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
  if (Buffer.isBuffer(view)) return Buffer.from(memory);
  const name = (view as Uint8Array | DataView)[Symbol.toStringTag];
  return new (globalThis as unknown as Record<string, new (memory: ArrayBuffer) => ArrayBufferView>)[name]!(
    memory,
  );
}

/** As `structuredClone`, of views their own bytes alone: they pass beside the text that the rest is written to. */
function cloneOf<T>(value: T): T {
  const writer = new ViewsApart();
  writer.writeHeader();
  writer.writeValue(value);
  const reader = new WithViews(writer.releaseBuffer(), writer.views);
  reader.readHeader();
  return reader.readValue() as T;
}

class ViewsApart extends Serializer {
  declare readonly _setTreatArrayBufferViewsAsHostObjects: (isHost: boolean) => void;
  readonly views: ArrayBufferView[] = [];

  constructor() {
    super();
    this._setTreatArrayBufferViewsAsHostObjects(true);
  }

  /** Called for views, and for objects that only the engine's embedder knows. */
  _writeHostObject(object: object): void {
    if (!ArrayBuffer.isView(object)) throw new TypeError(`${object.constructor.name} cannot be cloned`);
    this.writeUint32(this.views.push(copyOfView(object)) - 1);
  }
}

class WithViews extends Deserializer {
  readonly #views: readonly ArrayBufferView[];

  constructor(data: Buffer, views: readonly ArrayBufferView[]) {
    super(data);
    this.#views = views;
  }

  _readHostObject(): ArrayBufferView {
    return this.#views[this.readUint32()]!;
  }
}
