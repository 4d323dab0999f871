import type { HeapHandle } from '@hotpath/memory';

import { attempt, describe, describeThrown } from '../describe.ts';
import type { Control } from './control.ts';
import type { CloneKind, Indexed, ResultKind } from './loop.ts';
import type { Packed } from './pack.ts';
import type { TaskSpec } from './task.ts';

/** What a worker is sent: a share in a call over shared memory, or a chunk of a plain array. */
export type Job = ShareJob | ChunkJob;

export interface ShareJob {
  readonly kind: 'share';
  readonly task: TaskSpec;
  readonly control: Control;
  /** The participant's place in the control block. */
  readonly slot: number;
  readonly input: Indexed;
  readonly output: Indexed;
  readonly resultKind: ResultKind;
  /** The caller's heap, for kernels that the function calls; `undefined` where it would be of no use. */
  readonly heap: HeapHandle | undefined;
  readonly count: number;
  readonly offset: number;
  readonly threads: number;
  readonly grain: number;
  readonly msPerItem: number;
}

export interface ChunkJob {
  readonly kind: 'chunk';
  readonly task: TaskSpec;
  readonly control: Control;
  readonly slot: number;
  readonly values: Packed;
  readonly resultKind: CloneKind;
  /** Index of the first value. */
  readonly offset: number;
  readonly msPerItem: number;
}

/** What a worker answers. */
export interface Outcome {
  /** Items that it finished, and the time they took. */
  readonly items: number;
  readonly busyMs: number;
  /** Only for a chunk that was finished. */
  readonly results: Packed | undefined;
  readonly failure: Failure | undefined;
}

/** Why a thread gave up. */
export interface Failure {
  readonly kind: 'threw' | 'result' | 'module' | 'export' | 'source';
  /** Index of the item, or -1. */
  readonly index: number;
  /** For everything but `threw`: our own message. */
  readonly message: string;
  readonly thrown: PortableError | { readonly value: unknown } | undefined;
}

/** An error in a form that loses nothing between threads: structured clones drop the name of a class and its fields. */
export interface PortableError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly cause: PortableError | { readonly value: unknown } | undefined;
}

/** Depth of causes that is carried over; a cycle must end somewhere. */
const CAUSE_DEPTH_MAX = 8;

/** Fields of an error that have a place of their own. */
const CARRIED: ReadonlySet<string> = new Set(['name', 'message', 'stack', 'cause']);

/**
 * Takes a thrown value apart so that it can be posted. What cannot be cloned becomes its description, and what cannot be read, because
 * a getter throws, is left out: an error on the way to the caller may not fail itself.
 */
export function toPortable(thrown: unknown, depth = 0): PortableError | { readonly value: unknown } {
  if (!(thrown instanceof Error)) return { value: cloneable(thrown) };
  const fields: Record<string, unknown> = {};
  for (const key of Object.keys(thrown)) {
    if (CARRIED.has(key)) continue;
    fields[key] = cloneable(attempt(() => thrown[key as keyof Error]));
  }
  const cause = depth < CAUSE_DEPTH_MAX ? attempt(() => thrown.cause) : undefined;
  return {
    name: textOf(() => thrown.name) ?? 'Error',
    message: textOf(() => thrown.message) ?? '',
    stack: textOf(() => thrown.stack),
    fields,
    cause: cause === undefined ? undefined : toPortable(cause, depth + 1),
  };
}

/** What should be a text, and may be anything, or a getter that throws. */
function textOf(read: () => unknown): string | undefined {
  const value = attempt(read);
  return value === undefined ? undefined : describeThrown(value);
}

/** Puts the thrown value together again: an Error with the name, stack and fields it had. */
export function fromPortable(portable: PortableError | { readonly value: unknown }): unknown {
  if ('value' in portable) return portable.value;
  const error = new Error(portable.message);
  if (portable.cause !== undefined) {
    Object.defineProperty(error, 'cause', hidden(fromPortable(portable.cause)));
  }
  Object.defineProperty(error, 'name', hidden(portable.name));
  Object.defineProperty(error, 'stack', hidden(portable.stack));
  return Object.assign(error, portable.fields);
}

function hidden(value: unknown): PropertyDescriptor {
  return { value, writable: true, configurable: true, enumerable: false };
}

function cloneable(value: unknown): unknown {
  if (typeof value !== 'object' && typeof value !== 'function' && typeof value !== 'symbol') return value;
  try {
    return structuredClone(value) as unknown;
  } catch {
    return describe(value);
  }
}
