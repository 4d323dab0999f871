import { heap } from '@hotpath/memory';
import type { WasmMemory } from '@hotpath/memory';

import { BINARY_BASE64 } from './simd/generated/binary.ts';
import type { SimdKernels } from './simd/generated/binary.ts';

/**
 * A module that is valid only where both features are there: it imports a shared memory (threads) and splats a byte
 * into a vector (SIMD).
 *
 *   (module (import "m" "m" (memory 0 1 shared)) (func i32.const 0 i8x16.splat drop))
 */
const PROBE = new Uint8Array([
  0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x04, 0x01, 0x60, 0x00, 0x00, 0x02, 0x09, 0x01, 0x01,
  0x6d, 0x01, 0x6d, 0x02, 0x03, 0x00, 0x01, 0x03, 0x02, 0x01, 0x00, 0x0a, 0x09, 0x01, 0x07, 0x00, 0x41, 0x00,
  0xfd, 0x0f, 0x1a, 0x0b,
]);

/** The few members of the global `WebAssembly` in use, which lib es2023 does not declare. */
interface WebAssemblyApi {
  validate(bytes: Uint8Array): boolean;
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (
    module: object,
    imports: { readonly env: { readonly memory: WasmMemory } },
  ) => { readonly exports: unknown };
}

/**
 * The kernels over this thread's heap, once they are there. A kernel asks `simd.kernels ?? simdKernels()`: a property that is set
 * once, of an object that is a constant of the asking module, is a constant to V8, and so is the function found in it.
 */
export const simd: { kernels?: SimdKernels | undefined } = {};

let isDecided = false;

/** The kernels over this thread's heap, or `undefined` where the scalar loops must do. Decided at the first call. */
export function simdKernels(): SimdKernels | undefined {
  return isDecided ? simd.kernels : decide();
}

/**
 * Whether kernels run as WebAssembly SIMD here. Where they do not (an old CPU, `--jitless`, no room for the heap),
 * every kernel gives the same results with scalar loops.
 */
export function isSimdAvailable(): boolean {
  return simdKernels() !== undefined;
}

/** For tests: decides anew, with `detect` in place of the look at this machine. */
export function redecide(detect?: () => boolean): void {
  simd.kernels = undefined;
  decide(detect);
}

function decide(detect: () => boolean = detectSimd): SimdKernels | undefined {
  isDecided = true;
  const kernels = detect() ? instantiate() : undefined;
  if (kernels !== undefined) simd.kernels = kernels;
  return kernels;
}

/** Whether this machine and this V8 run WebAssembly with SIMD and threads. */
export function detectSimd(): boolean {
  return api()?.validate(PROBE) ?? false;
}

/** Half a millisecond, once a thread. Nothing is compiled before a kernel is first called. */
function instantiate(): SimdKernels | undefined {
  const webAssembly = api()!;
  try {
    const module = new webAssembly.Module(Buffer.from(BINARY_BASE64, 'base64'));
    return new webAssembly.Instance(module, { env: { memory: heap().memory } }).exports as SimdKernels;
  } catch {
    // No address space for the heap, or no memory for code: without a heap there are no vectors in it either.
    return undefined;
  }
}

/** Absent under `--jitless`. */
function api(): WebAssemblyApi | undefined {
  return (globalThis as { WebAssembly?: WebAssemblyApi }).WebAssembly;
}
