import { stat } from 'node:fs/promises';
import { constants } from 'node:os';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Operation } from '../heap/run.ts';
import { leakCheck } from '../heap/leak-check.ts';
import type { LeakReport } from '../heap/leak-check.ts';
import type { Command } from './arguments.ts';
import { UsageError } from './arguments.ts';
import { CommandError } from './output.ts';
import { topTable } from './table.ts';

const CODES: Readonly<Record<LeakReport['verdict'], number>> = { 'no leak': 0, leak: 1, inconclusive: 3 };

/** What the promise gives, unless the event loop has nothing left that could settle it: Node would end without a word. */
function whileAlive<T>(promise: Promise<T>, why: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const onEmptyLoop = (): void => reject(new CommandError(why));
    process.once('beforeExit', onEmptyLoop);
    void promise.then(resolve, reject).finally(() => process.off('beforeExit', onEmptyLoop));
  });
}

/** A handler that comes with the function keeps Ctrl-C from ending the process, and may never do so itself. */
function keepInterruptible(): void {
  const onNewListener = (event: string | symbol): void => {
    if (event !== 'SIGINT') return;
    process.off('newListener', onNewListener);
    // After the other one.
    process.nextTick(() => process.on('SIGINT', () => process.exit(128 + constants.signals.SIGINT)));
  };
  process.on('newListener', onNewListener);
}

async function load(target: string): Promise<Operation> {
  const split = target.lastIndexOf('#');
  if (split <= 0 || split === target.length - 1) {
    throw new UsageError(`leak: expected module#export, got ${JSON.stringify(target)}`);
  }
  const name = target.slice(split + 1);
  const file = resolve(target.slice(0, split));
  if (!(await stat(file).catch(() => undefined))?.isFile()) throw new CommandError(`no file ${file}`);
  let exported: Readonly<Record<string, unknown>>;
  try {
    exported = await whileAlive(
      import(pathToFileURL(file).href) as Promise<Readonly<Record<string, unknown>>>,
      'it awaits a promise that never settles',
    );
  } catch (error) {
    throw new CommandError(`cannot load ${file}: ${error instanceof Error ? error.message : 'it threw'}`);
  }
  // Of a CommonJS module Node finds the names that it can read in the text; all of them are in its default.
  const operation = exported[name] ?? (exported['default'] as typeof exported | undefined)?.[name];
  if (typeof operation !== 'function') {
    const functions = Object.keys(exported).filter((key) => typeof exported[key] === 'function');
    throw new CommandError(`${file} exports no function ${name}; it has ${functions.join(', ') || 'none'}`);
  }
  return operation as Operation;
}

const bytes = (value: number): string => `${Number(value.toPrecision(3))} B`;

/**
 * Checks an exported function for a leak, prints what was found, and gives the exit code. Ctrl-C ends the process as it
 * stands: there is nothing to write, and a handler would not be called while the function keeps the thread. Only where the
 * function's module has one is it ours that ends it.
 *
 * @throws {CommandError} the function returned a promise that never settles, and nothing else is under way.
 */
export async function checkLeak({ target, iterations, top }: Command): Promise<number> {
  keepInterruptible();
  const operation = await load(target);
  const report = await whileAlive(
    leakCheck(operation, iterations === undefined ? {} : { iterations }),
    `${target} returned a promise that never settles`,
  );
  const { verdict, bytesPerIteration, bytesPerIterationLow, bytesPerIterationHigh } = report;
  const interval = `[${bytes(bytesPerIterationLow)}, ${bytes(bytesPerIterationHigh)}]`;
  const rounds = `${report.heldBytes.length} rounds of ${report.iterations} calls`;
  process.stdout.write(`${verdict}: ${bytes(bytesPerIteration)} a call, 95 % ${interval}, over ${rounds}\n`);
  if (report.sites.length > 0) {
    const rows = report.sites.slice(0, top).map((site) => ({
      ...site,
      self: site.selfBytes,
      total: site.totalBytes,
    }));
    const folder = `${pathToFileURL(process.cwd()).href}/`;
    process.stdout.write(
      `\nwhat was still held after some further rounds\n\n${topTable(rows, 'bytes', folder)}`,
    );
  }
  return CODES[verdict];
}
