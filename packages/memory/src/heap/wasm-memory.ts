import { HeapUnavailableError } from '../errors.ts';

/**
 * The part of `WebAssembly.Memory` that the heap uses. Declared here because neither `lib` es2023 nor the types of Node
 * know WebAssembly, and a package for Node does not ask its users for `lib` dom. The value *is* a
 * `WebAssembly.Memory`: pass it as an import, or post it to a worker.
 */
export interface WasmMemory {
  readonly buffer: SharedArrayBuffer;
  /** Adds pages of 64 KiB; returns how many there were. */
  grow(deltaPages: number): number;
}

/** Bytes of a page of WebAssembly. */
export const WASM_PAGE_BYTES = 65_536;

/** The most that 32-bit addresses reach. */
export const WASM_MAXIMUM_BYTES = 4_294_967_296;

interface WasmNamespace {
  readonly Memory: new (descriptor: { initial: number; maximum: number; shared: true }) => WasmMemory;
  readonly Module: new (binary: Uint8Array<ArrayBuffer>) => object;
  readonly Instance: new (
    module: object,
    imports: Readonly<Record<string, Readonly<Record<string, WasmMemory>>>>,
  ) => { readonly exports: object };
}

/** The global, as far as this package uses it. */
export const wasm: WasmNamespace = (globalThis as unknown as { readonly WebAssembly: WasmNamespace })
  .WebAssembly;

/** A shared memory of `initialPages` pages that may grow to `maximumPages`, for which it reserves address space. */
export function createWasmMemory(initialPages: number, maximumPages: number): WasmMemory {
  try {
    return new wasm.Memory({ initial: initialPages, maximum: maximumPages, shared: true });
  } catch (cause) {
    throw new HeapUnavailableError(
      `The heap's address space cannot be reserved: V8 takes some 10 GiB of it for any WebAssembly memory. Raise the limit on virtual memory (ulimit -v), or start Node with --disable-wasm-trap-handler and ask for less than ${maximumPages * WASM_PAGE_BYTES} bytes with configureHeap({ maximumBytes })`,
      { cause },
    );
  }
}
