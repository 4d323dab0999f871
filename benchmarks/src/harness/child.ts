/** Entry of a measuring process: one variant of one case, driven by the parent over IPC. */

import { Bench } from 'tinybench';
import type { Loop } from './block.ts';
import { calibrate, createLoop, sink, timeBlock } from './block.ts';
import type { Case, Findings, Operation } from './case.ts';
import { diagnose } from './diagnose.ts';
import type {
  PrepareRequest,
  ProfileRequest,
  Reply,
  Request,
  SettleRequest,
  WarmRequest,
} from './protocol.ts';

interface Prepared {
  readonly operation: Operation;
  readonly run: () => unknown;
  readonly isAsync: boolean;
  readonly loop: Loop;
}

let prepared: Prepared | undefined;
let bench: Bench | undefined;
let iterations = 1;
let nsPerOp = 0;

function current(): Prepared {
  if (prepared === undefined) throw new Error('the process was asked to measure before it was prepared');
  return prepared;
}

async function prepare(request: PrepareRequest): Promise<Reply> {
  const { default: cases } = (await import(request.file)) as { default: readonly Case[] };
  const found = cases.find((entry) => entry.id === request.id && entry.case === request.case);
  const variant = found?.variants[request.variant];
  if (found === undefined || variant === undefined) {
    throw new Error(`no variant ${request.variant} of ${request.id} ${request.case} in ${request.file}`);
  }
  const reason = variant.skip?.();
  if (reason !== undefined) return { ok: 'skipped', reason };
  const operation = await variant.setup(request.context);
  const run = operation.run.bind(operation);
  prepared = { operation, run, isAsync: found.async, loop: createLoop(run, found.async) };
  const start = performance.now();
  const answer: unknown = request.verify ? await operation.answer() : undefined;
  return { ok: 'prepared', answer, answerMs: performance.now() - start };
}

async function warm(request: WarmRequest): Promise<Reply> {
  ({ iterations, nsPerOp } = await calibrate(
    current().loop,
    request.blockMs,
    request.warmupMs,
    request.operations,
  ));
  return { ok: 'warm' };
}

/** A block shorter than this share of its target is made longer: others were warming up while it was calibrated. */
const TOO_SHORT = 0.7;

async function settle({ blockMs }: SettleRequest): Promise<Reply> {
  const { loop } = current();
  globalThis.gc?.();
  // The first block after a full collection grows the young generation anew.
  const elapsed = await timeBlock(loop, iterations);
  nsPerOp = (elapsed / iterations) * 1e6;
  if (elapsed < TOO_SHORT * blockMs)
    iterations = Math.ceil((iterations * blockMs) / Math.max(elapsed, blockMs / 8));
  return { ok: 'settled', nsPerOp };
}

/** tinybench takes the samples: a block is one call of its task, and the task reports the mean of the block. */
function createBench(loop: Loop): Bench {
  const created = new Bench({ time: 0, iterations: 1, warmup: false, throws: true });
  created.add(
    'block',
    async () => {
      const blockElapsed = await timeBlock(loop, iterations);
      return { overriddenDuration: blockElapsed / iterations, overriddenIterationCost: blockElapsed };
    },
    { async: true },
  );
  return created;
}

async function block(): Promise<Reply> {
  bench ??= createBench(current().loop);
  // Without it a second run gives the first one's sample again.
  bench.reset();
  const [task] = await bench.run();
  const result = task?.result;
  if (result === undefined || !('latency' in result)) {
    throw new Error(`the block gave no sample (${result?.state ?? 'no task'})`);
  }
  nsPerOp = result.latency.mean * 1e6;
  return { ok: 'block', nsPerOp };
}

async function profile({ durationMs }: ProfileRequest): Promise<Reply> {
  const { loop } = current();
  const { cpu } = await import('@hotpath/profile');
  const { root } = await cpu(async () => {
    const end = performance.now() + durationMs;
    do await timeBlock(loop, iterations);
    while (performance.now() < end);
  });
  return { ok: 'profiled', root };
}

/** @throws RangeError when one of them is no number, which the record could not hold. */
async function findingsOf(operation: Operation): Promise<Findings> {
  const findings = (await operation.findings?.()) ?? {};
  const { measurements = [], curves = [] } = findings;
  const found: (readonly [name: string, values: readonly number[]])[] = [
    ...measurements.map(({ unit, value }) => [unit, [value]] as const),
    ...curves.map(({ name, x, y }) => [name, [...x, ...y]] as const),
  ];
  for (const [name, values] of found) {
    const wrong = values.find((value) => !Number.isFinite(value));
    if (wrong !== undefined) throw new RangeError(`${name}: expected a finite number, got ${wrong}`);
  }
  return findings;
}

async function answer(request: Request): Promise<Reply> {
  switch (request.do) {
    case 'prepare':
      return prepare(request);
    case 'try':
      nsPerOp = (await timeBlock(current().loop, 1)) * 1e6;
      return { ok: 'tried', nsPerOp };
    case 'warm':
      return warm(request);
    case 'settle':
      return settle(request);
    case 'block':
      return block();
    case 'diagnose': {
      const { operation, run, isAsync, loop } = current();
      const diagnosis =
        request.budgetMs === 0 ? undefined : await diagnose(run, isAsync, loop, nsPerOp, request.budgetMs);
      const findings = await findingsOf(operation);
      return { ok: 'diagnosed', findings, ...(diagnosis === undefined ? {} : { diagnosis }) };
    }
    case 'profile':
      return profile(request);
    case 'experiment': {
      const { operation, run } = current();
      sink.value = await run();
      return { ok: 'experimented', findings: await findingsOf(operation) };
    }
    case 'close':
      await prepared?.operation.close?.();
      return { ok: 'closed' };
  }
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? `: ${error.cause.message}` : '';
  const where = error.stack
    ?.split('\n')
    .find((line) => line.trimStart().startsWith('at '))
    ?.trim();
  return `${error.name}: ${error.message}${cause}${where === undefined ? '' : ` (${where})`}`;
}

function reply(message: Reply): void {
  process.send?.(message);
}

process.on('message', (request: Request) => {
  answer(request).then(reply, (error: unknown) => {
    reply({ ok: 'failed', message: describe(error) });
  });
});
// Ctrl-C reaches the whole process group; the parent decides what happens to its measuring processes.
process.on('SIGINT', () => {});
process.on('disconnect', () => {
  process.exit(0);
});
