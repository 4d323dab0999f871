/** The garbage collector on call, and the size of the heap. Works without `--expose-gc`. */

import { setImmediate as turn } from 'node:timers/promises';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

type Collect = (options?: { readonly type: 'minor' | 'major' }) => void;

let collect: Collect | undefined;

/** A fresh context gets V8's `gc` while the flag is on; the function works ever after. */
function collector(): Collect {
  if (collect === undefined) {
    const exposed = (globalThis as { readonly gc?: Collect }).gc;
    if (exposed === undefined) {
      setFlagsFromString('--expose-gc');
      collect = runInNewContext('gc') as Collect;
      setFlagsFromString('--no-expose-gc');
    } else {
      collect = exposed;
    }
  }
  return collect;
}

/** Empties the young generation: a fraction of a millisecond. The second pass ends the sweep of the first. */
export function collectYoung(): void {
  const gc = collector();
  gc({ type: 'minor' });
  gc({ type: 'minor' });
}

/**
 * Collects everything that is not held, what finalizers and weak references let go of included. Stops the thread twice
 * for milliseconds on a small heap and about a second for each gigabyte.
 */
export async function collectAll(): Promise<void> {
  const gc = collector();
  gc();
  // Finalizers run in a turn of their own, and let go of more.
  await turn();
  gc();
}

/** Bytes in use, as V8 counts them. */
export interface HeapSize {
  /** Objects on the heap. */
  readonly heapBytes: number;
  /** Held outside it by objects on it: buffers, above all. */
  readonly externalBytes: number;
}

/** Allocates some hundred bytes, after it has looked. */
export function heapSize(): HeapSize {
  const { used_heap_size: heapBytes, external_memory: externalBytes } = getHeapStatistics();
  return { heapBytes, externalBytes };
}
