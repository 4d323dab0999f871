/** What an entry takes beside its key and value, with its promise and its places in list and table: measured, rounded up. */
const ENTRY_BYTES = 280;
/** A string's, object's or array's own header. */
const HEADER_BYTES = 24;
/** A property, an element or a number. */
const WORD_BYTES = 8;
/** A place in a `Map` or `Set`. */
const SLOT_BYTES = 40;

/** Those of a string: 2 a character, although V8 takes 1 where all are Latin-1. */
function bytesOfString(text: string): number {
  return HEADER_BYTES + 2 * text.length;
}

/**
 * About how many bytes an entry takes on the heap and in buffers, on the long side: what is reached twice counts once,
 * and what is held by closures, private fields or the engine not at all. O(what is reached), and stops above `limit`.
 */
export function estimateBytes(value: unknown, key: string, limit: number): number {
  let bytes = ENTRY_BYTES + bytesOfString(key);
  const seen = new Set<object>();
  const pending: object[] = [];
  const add = (each: unknown): void => {
    bytes += WORD_BYTES;
    if (typeof each === 'string') bytes += bytesOfString(each);
    else if (typeof each === 'object' && each !== null && !seen.has(each)) {
      seen.add(each);
      pending.push(each);
    }
  };
  add(value);
  // A list of what is left instead of recursion: a deep tree must not overflow the stack.
  for (let object = pending.pop(); object !== undefined && bytes <= limit; object = pending.pop()) {
    bytes += HEADER_BYTES;
    if (ArrayBuffer.isView(object) || object instanceof ArrayBuffer) bytes += object.byteLength;
    else if (Array.isArray(object)) {
      for (const child of object as readonly unknown[]) add(child);
    } else addChildren(object, add, (count) => (bytes += count * SLOT_BYTES));
  }
  return bytes;
}

function addChildren(object: object, add: (child: unknown) => void, addSlots: (count: number) => void): void {
  if (object instanceof Map) {
    addSlots(object.size);
    for (const [key, child] of object as ReadonlyMap<unknown, unknown>) {
      add(key);
      add(child);
    }
  } else if (object instanceof Set) {
    addSlots(object.size);
    for (const child of object as ReadonlySet<unknown>) add(child);
  } else {
    for (const name of Object.keys(object)) add((object as Record<string, unknown>)[name]);
  }
}
