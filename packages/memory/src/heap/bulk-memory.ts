import { WASM_MAXIMUM_BYTES, WASM_PAGE_BYTES, type WasmMemory, wasm } from './wasm-memory.ts';

/**
 * `memory.fill` and `memory.copy` of WebAssembly over one memory: memset and memmove of the machine. Addresses are
 * unchecked but for the end of the memory; the ranges of a copy may overlap.
 *
 * V8 moves shared memory for typed arrays word by word, with stores that no compiler may join, and fills it element by
 * element. Node 20, 3584 bytes: `fill` of a Uint8Array 1250 ns, of a Float64Array 310, this 50; `copyWithin` 290, this 50.
 */
export interface BulkMemory {
  fill(address: number, byte: number, sizeBytes: number): void;
  copy(toAddress: number, fromAddress: number, sizeBytes: number): void;
}

/** Numbers of the binary format: https://webassembly.github.io/spec/core/binary/modules.html */
const I32 = 0x7f;
const LOCAL_GET = 0x20;
const BULK_PREFIX = 0xfc;
const END = 0x0b;
const SHARED_WITH_MAXIMUM = 3;

/** The module: imports a shared memory, exports two functions of (i32, i32, i32) with one instruction each. */
const MODULE: Uint8Array<ArrayBuffer> = new Uint8Array([
  0x00,
  0x61,
  0x73,
  0x6d,
  1,
  0,
  0,
  0,
  ...section(1, [1, 0x60, 3, I32, I32, I32, 0]),
  ...section(2, [
    1,
    ...name('e'),
    ...name('m'),
    2,
    SHARED_WITH_MAXIMUM,
    0,
    ...unsigned(WASM_MAXIMUM_BYTES / WASM_PAGE_BYTES),
  ]),
  ...section(3, [2, 0, 0]),
  ...section(7, [2, ...name('fill'), 0, 0, ...name('copy'), 0, 1]),
  ...section(10, [2, ...body([BULK_PREFIX, 0x0b, 0]), ...body([BULK_PREFIX, 0x0a, 0, 0])]),
]);

/** Compiles the two functions for `memory`: 80 bytes, about 0.1 ms. They stay valid when it grows. */
export function bulkMemory(memory: WasmMemory): BulkMemory {
  const { Module, Instance } = wasm;
  return new Instance(new Module(MODULE), { e: { m: memory } }).exports as unknown as BulkMemory;
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...unsigned(content.length), ...content];
}

function body(instruction: readonly number[]): number[] {
  const code = [0, LOCAL_GET, 0, LOCAL_GET, 1, LOCAL_GET, 2, ...instruction, END];
  return [...unsigned(code.length), ...code];
}

function name(text: string): number[] {
  return [text.length, ...Array.from(text, (character) => character.charCodeAt(0))];
}

/** An unsigned LEB128. */
function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}
