import { checkInteger, describe } from '../check.ts';
import { ArgumentTypeError, HeapInUseError } from '../errors.ts';
import { Heap, type HeapHandle, type ResolvedHeapOptions } from './heap.ts';
import { WASM_MAXIMUM_BYTES, WASM_PAGE_BYTES, type WasmMemory } from './wasm-memory.ts';

/** How the process's heap is made. */
export interface HeapOptions {
  /**
   * Limit of its growth, in bytes, rounded up to 64 KiB. Default and most: 4 GiB. It reserves address space and no
   * memory; memory is taken as the heap grows.
   */
  readonly maximumBytes?: number;
  /**
   * Catches use after free, which no raw view notices: a freed block is filled with 0xFF (floats read NaN) and held back
   * until 16 MiB, or `quarantineBytes`, of others were freed after it; a write to it meanwhile is reported as
   * `HeapCorruptionError`. So is a write to what an arena's reset or rewind freed, and to an idle block of a pool, whatever
   * memory the pool has, when it is used again. Default: off. Costs a fill and a scan of all that is freed.
   */
  readonly debug?: boolean | { readonly quarantineBytes: number };
}

/** Quarantine of the debug mode unless told otherwise. */
const QUARANTINE_BYTES = 16 << 20;

/**
 * Where the heap is kept. Two installed copies of this package find the same one, so its shape may only change together
 * with the number in the symbol.
 */
interface Registry {
  options: ResolvedHeapOptions | undefined;
  heap: Heap | undefined;
}

const REGISTRY = Symbol.for('hotpath.heap.v1');

const registry: Registry = ((globalThis as unknown as Record<symbol, Registry | undefined>)[REGISTRY] ??= {
  options: undefined,
  heap: undefined,
});

/**
 * Sets how the process's heap is made; call it before anything uses the heap, once, at the start of the application.
 * Calling it again with equal options does nothing.
 *
 * @throws HeapInUseError when the heap exists, or was configured, with other options.
 * @throws ArgumentTypeError, ArgumentRangeError when an option is invalid.
 */
export function configureHeap(options: HeapOptions): void {
  const resolved = resolve(options);
  const current = registry.options;
  if (current === undefined && registry.heap === undefined) {
    registry.options = resolved;
    return;
  }
  if (
    current?.maximumBytes !== resolved.maximumBytes ||
    current.quarantineBytes !== resolved.quarantineBytes
  ) {
    throw new HeapInUseError(
      current === undefined
        ? 'This thread is attached to a heap that another thread configured'
        : `The heap has other options already: maximumBytes ${current.maximumBytes}, quarantineBytes ${current.quarantineBytes}, against ${resolved.maximumBytes} and ${resolved.quarantineBytes}. Configure it once, before its first use`,
    );
  }
}

/**
 * The process's one heap, made at the first call. In a worker thread that did not attach, a heap of that thread's own.
 *
 * @throws HeapUnavailableError when its address space cannot be reserved.
 */
export function heap(): Heap {
  return registry.heap ?? makeHeap();
}

/** The heap, if this thread has one already; makes none. */
export function heapIfAny(): Heap | undefined {
  return registry.heap;
}

/** Whether the heap was configured to catch uses after a free, a release or a reset. */
export function isDebugMode(): boolean {
  return (registry.options?.quarantineBytes ?? 0) > 0;
}

/**
 * Makes the heap of another thread this thread's heap too. Call it in a worker before anything uses the heap. The
 * worker reads and writes; allocating and freeing throw. Attaching to the same heap again does nothing.
 *
 * @throws ArgumentTypeError when `handle` is not one of `heap().handle()`.
 * @throws HeapInUseError when this thread has another heap already.
 */
export function attachHeap(handle: HeapHandle): void {
  const isHandle =
    typeof handle === 'object' &&
    handle?.kind === 'hotpath.heap.v1' &&
    (handle.memory as WasmMemory | undefined)?.buffer instanceof SharedArrayBuffer;
  if (!isHandle) {
    throw new ArgumentTypeError(`handle: expected what heap().handle() returns, got ${describe(handle)}`);
  }
  if (registry.heap !== undefined) {
    if (registry.heap.owns(handle.memory.buffer)) return;
    throw new HeapInUseError('This thread has a heap already: attach before anything uses it');
  }
  registry.heap = Heap.attach(handle);
}

function makeHeap(): Heap {
  registry.options ??= resolve({});
  registry.heap = Heap.create(registry.options);
  return registry.heap;
}

function resolve(options: HeapOptions): ResolvedHeapOptions {
  if (typeof options !== 'object' || options === null) {
    throw new ArgumentTypeError(`options: expected an object, got ${describe(options)}`);
  }
  const { maximumBytes = WASM_MAXIMUM_BYTES, debug = false } = options;
  checkInteger('maximumBytes', maximumBytes, WASM_PAGE_BYTES, WASM_MAXIMUM_BYTES);
  if (typeof debug !== 'boolean' && (typeof debug !== 'object' || debug === null)) {
    throw new ArgumentTypeError(`debug: expected a boolean or { quarantineBytes }, got ${describe(debug)}`);
  }
  const quarantineBytes = typeof debug === 'object' ? debug.quarantineBytes : debug ? QUARANTINE_BYTES : 0;
  if (typeof debug === 'object')
    checkInteger('debug.quarantineBytes', quarantineBytes, 1, WASM_MAXIMUM_BYTES);
  return { maximumBytes: Math.ceil(maximumBytes / WASM_PAGE_BYTES) * WASM_PAGE_BYTES, quarantineBytes };
}
