import { isAbsolute } from 'node:path';
import { pathToFileURL } from 'node:url';

import { describe, describeThrown } from '../describe.ts';
import { ArgumentTypeError, TaskExportError, TaskModuleError, TaskSourceError } from '../errors.ts';
import { PROBE_MS } from './grain.ts';
import { compileLoop } from './loop.ts';
import type { Indexed, ItemFunction, Loop, ResultKind } from './loop.ts';
import { shapeOf, sourceOf, tagOf } from './pack.ts';

/** Names a function by the module that exports it. The module is loaded once in every thread. */
export interface TaskModule {
  /**
   * A URL (`new URL('./work.js', import.meta.url)`), the text of one, or an absolute path. Relative paths and bare
   * package names have no meaning in another module; resolve them with `import.meta.resolve` first.
   */
  readonly module: URL | string;
  /** Name of the exported function; `default` for the default export. */
  readonly export: string;
}

declare const TYPES: unique symbol;

/** A function that is known in every thread, made by {@link moduleTask} or {@link source}. */
export interface ParallelTask<in I, out O> {
  /** The function's name, for messages. */
  readonly name: string;
  /** Only for the type checker: what the function takes and gives. */
  readonly [TYPES]?: (value: I) => O;
}

/** A task for `forEachRange`, of `fn(start, end, data)`. */
export type RangeTask = ParallelTask<number, void>;

/** How a worker finds the function of a task. */
export type TaskSpec = ModuleSpec | SourceSpec;

export interface ModuleSpec {
  readonly kind: 'module';
  /** Unique in the thread that made the task, and so among all that its workers hear of. */
  readonly id: number;
  readonly url: string;
  readonly exportName: string;
}

export interface SourceSpec {
  readonly kind: 'source';
  readonly id: number;
  readonly text: string;
}

/** Twenty readings of the clock. */
const READING_MS_MIN = 0.002;

let lastId = 0;

/** The loop of a task that was asked for last. */
interface LastLoop {
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly kind: ResultKind;
  readonly loop: Loop;
}

/** A task as the calling thread holds it: the same function that the workers load, and what is known of its cost. */
export class LoadedTask implements ParallelTask<unknown, unknown> {
  readonly name: string;
  readonly spec: TaskSpec;
  readonly #fn: ItemFunction;
  readonly #loops: Map<string, Loop>;
  #last: LastLoop | undefined;
  /** What an item cost in the last calls, in milliseconds of one thread; 0 while nothing was seen. */
  msPerItem = 0;
  /** The time that `msPerItem` rests on, as far as it counts. */
  #seenMs = 0;

  constructor(
    name: string,
    spec: TaskSpec,
    fn: ItemFunction,
    loops: Map<string, Loop> = new Map<string, Loop>(),
  ) {
    this.name = name;
    this.spec = spec;
    this.#fn = fn;
    this.#loops = loops;
  }

  /** The same function for a call whose items are no elements, with a cost of their own. */
  withCost(msPerItem: number): LoadedTask {
    const task = new LoadedTask(this.name, this.spec, this.#fn, this.#loops);
    task.msPerItem = msPerItem;
    if (msPerItem > 0) task.#seenMs = PROBE_MS;
    return task;
  }

  /** {@link msPerItem} where it rests on enough to be believed, else 0: the first items run cold. */
  get knownCost(): number {
    return this.#seenMs >= PROBE_MS ? this.msPerItem : 0;
  }

  /** The function itself, for what is called here alone. */
  get fn(): ItemFunction {
    return this.#fn;
  }

  /** The loop over arrays of the kinds of `input` and `output`. */
  loop(input: Indexed, output: Indexed, kind: ResultKind): Loop {
    const from = tagOf(sourceOf(input, kind));
    const to = tagOf(output);
    let last = this.#last;
    // Three comparisons of names instead of putting them together and looking that up: a third of the cost of a short call.
    if (last === undefined || last.from !== from || last.to !== to || last.kind !== kind) {
      last = { from, to, kind, loop: this.#loopOf(shapeOf(input, output, kind), kind) };
      this.#last = last;
    }
    return last.loop;
  }

  #loopOf(shape: string, kind: ResultKind): Loop {
    let loop = this.#loops.get(shape);
    if (loop === undefined) {
      loop = compileLoop(`${this.spec.id}_${this.#loops.size}`, this.#fn, kind);
      this.#loops.set(shape, loop);
    }
    return loop;
  }

  /**
   * Learns the cost of an item from a finished call. It falls at once and rises by half: what disturbs a reading, cold code or another
   * program, makes it longer. From calls of a few items nothing is learnt but the time that it takes to read a clock.
   */
  remember(items: number, busyMs: number): void {
    if (items === 0 || busyMs < READING_MS_MIN) return;
    this.#seenMs += busyMs;
    const seen = busyMs / items;
    const isLess = this.msPerItem === 0 || seen < this.msPerItem;
    this.msPerItem = isLess ? seen : (this.msPerItem + seen) / 2;
  }
}

/**
 * Loads a task's module in this thread and checks that it exports the function, so that a wrong name is found here
 * and not in the middle of the first call.
 *
 * @throws ArgumentTypeError when the reference is not of the form `{ module, export }`, or the path is relative.
 * @throws TaskModuleError when the module cannot be loaded.
 * @throws TaskExportError when it exports no such function, or the function is asynchronous.
 *
 * @example
 * const task = await moduleTask<number, number>({ module: new URL('./score.js', import.meta.url), export: 'score' });
 * const scores = await parallel.map(values, task);
 */
export async function moduleTask<I, O>(reference: TaskModule): Promise<ParallelTask<I, O>> {
  return (await loadModuleTask(reference)) as ParallelTask<unknown, unknown> as ParallelTask<I, O>;
}

export async function loadModuleTask(reference: TaskModule): Promise<LoadedTask> {
  const { url, exportName } = checkReference(reference);
  const spec: ModuleSpec = { kind: 'module', id: ++lastId, url, exportName };
  return new LoadedTask(exportName, spec, await loadFunction(spec));
}

/** The task of a function of this package, which is loaded here already and is in no need of checks. */
export function ownTask(module: URL, exportName: string, fn: ItemFunction): LoadedTask {
  return new LoadedTask(exportName, { kind: 'module', id: ++lastId, url: module.href, exportName }, fn);
}

/**
 * Makes a task of a self-contained function by its source text: it is compiled again in every thread, this one
 * included, in strict mode. It may use its arguments, its own variables and globals, and nothing else: no imports, no
 * variables around it, no `this`. Prefer {@link moduleTask} where the function lives in a module.
 *
 * A variable that the function lacks is noticed when the function reaches it, as a {@link TaskClosureError}: JavaScript
 * offers no way to see it sooner.
 *
 * @throws ArgumentTypeError when `fn` is not a function.
 * @throws TaskSourceError when its text cannot be compiled alone (native, bound, a class), when it is asynchronous or
 *   a generator, or when the process forbids code generation from strings.
 *
 * @example
 * const cube = source((x: number) => x * x * x);
 * const cubes = await parallel.map(new Float64Array([1, 2, 3]), cube);
 */
export function source<I, O>(fn: (value: I, index: number) => O): ParallelTask<I, O>;
export function source<I, O>(fn: (value: I, other: I, index: number) => O): ParallelTask<I, O>;
export function source<I, O>(fn: (...values: never[]) => O): ParallelTask<I, O> {
  if (typeof fn !== 'function') throw new ArgumentTypeError(`fn: expected a function, got ${describe(fn)}`);
  const text = Function.prototype.toString.call(fn);
  if (/\{\s*\[native code\]\s*\}\s*$/.test(text)) {
    throw new TaskSourceError(
      'fn: a native or bound function has no source text; export it from a module instead',
    );
  }
  if (/^class\b/.test(text)) throw new TaskSourceError('fn: expected a function, got a class');
  const spec: SourceSpec = { kind: 'source', id: ++lastId, text };
  const compiled = compileSource(spec);
  return new LoadedTask(fn.name || 'anonymous', spec, compiled) as ParallelTask<
    unknown,
    unknown
  > as ParallelTask<I, O>;
}

/** Finds the function of a task in this thread. */
export async function loadFunction(spec: TaskSpec): Promise<ItemFunction> {
  return spec.kind === 'source' ? compileSource(spec) : await importFunction(spec);
}

/** What a reference names; `undefined` where it is none. */
export function keyOf(reference: TaskModule): string | undefined {
  if (typeof reference !== 'object' || reference === null || typeof reference.export !== 'string')
    return undefined;
  const { module } = reference;
  return typeof module === 'string' || module instanceof URL
    ? `${reference.export} ${String(module)}`
    : undefined;
}

async function importFunction(spec: ModuleSpec): Promise<ItemFunction> {
  let namespace: Record<string, unknown>;
  try {
    namespace = (await import(spec.url)) as Record<string, unknown>;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : describeThrown(cause);
    throw new TaskModuleError(`task.module: cannot load ${shorten(spec.url)}: ${why}`, { cause });
  }
  const fn = namespace[spec.exportName];
  if (typeof fn !== 'function') {
    const names = Object.keys(namespace).filter((name) => typeof namespace[name] === 'function');
    throw new TaskExportError(
      `task.export: expected a function named '${spec.exportName}' in ${shorten(spec.url)}, got ${describe(fn)}; ` +
        (names.length === 0 ? 'the module exports no function' : `it exports ${names.join(', ')}`),
    );
  }
  const refusal = asynchronous(fn);
  if (refusal !== undefined) throw new TaskExportError(`task.export: '${spec.exportName}' ${refusal}`);
  return fn as ItemFunction;
}

function compileSource(spec: SourceSpec): ItemFunction {
  const fn = evaluate(spec.text, spec.id);
  if (typeof fn !== 'function')
    throw new TaskSourceError(`fn: its source text gives ${describe(fn)}, not a function`);
  const refusal = asynchronous(fn);
  if (refusal !== undefined) throw new TaskSourceError(`fn: the function ${refusal}`);
  return fn as ItemFunction;
}

/** Compiles the text as an expression or, where it is a method in short form (`double(x) { … }`), inside an object. */
function evaluate(text: string, id: number): unknown {
  const origin = `//# sourceURL=hotpath-task-${id}`;
  try {
    return run(`'use strict'; return (${text}\n);\n${origin}`);
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw refuseSource(cause);
  }
  try {
    return Object.values(run(`'use strict'; return ({${text}\n});\n${origin}`) as object)[0];
  } catch (cause) {
    throw refuseSource(cause);
  }
}

function run(body: string): unknown {
  // oxlint-disable-next-line typescript/no-implied-eval -- compiling a function from its text is what the user asked for
  return (new Function(body) as () => unknown)();
}

function refuseSource(cause: unknown): TaskSourceError {
  const why =
    cause instanceof EvalError
      ? 'this process forbids code generation from strings; export the function from a module instead'
      : `its source text does not compile alone: ${cause instanceof Error ? cause.message : String(cause)}`;
  return new TaskSourceError(`fn: ${why}`, { cause });
}

function asynchronous(fn: object): string | undefined {
  const tag = Object.prototype.toString.call(fn);
  return tag === '[object Function]'
    ? undefined
    : `must be a plain synchronous function, and is ${tag.slice(8, -1)}`;
}

function checkReference(reference: TaskModule): { url: string; exportName: string } {
  if (typeof reference !== 'object' || reference === null) {
    throw new ArgumentTypeError(`task: expected { module, export } or a task, got ${describe(reference)}`);
  }
  if (typeof reference.export !== 'string' || reference.export === '') {
    throw new ArgumentTypeError(
      `task.export: expected the name of an export, got ${describe(reference.export)}`,
    );
  }
  return { url: resolveModule(reference.module), exportName: reference.export };
}

function resolveModule(module: URL | string): string {
  if (module instanceof URL) return module.href;
  if (typeof module !== 'string') {
    throw new ArgumentTypeError(`task.module: expected a URL or an absolute path, got ${describe(module)}`);
  }
  if (isAbsolute(module)) return pathToFileURL(module).href;
  if (!URL.canParse(module)) {
    throw new ArgumentTypeError(
      `task.module: expected a URL or an absolute path, got ${describe(module)}; ` +
        `write new URL('./file.js', import.meta.url)`,
    );
  }
  return new URL(module).href;
}

/** A data: URL can be as long as a program. */
function shorten(url: string): string {
  return url.length > 200 ? `${url.slice(0, 60)}… (${url.length} characters)` : url;
}
