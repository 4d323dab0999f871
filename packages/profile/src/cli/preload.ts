/**
 * Loaded into the profiled program before it, by `--import`. It profiles from here to the end and writes the profile
 * when the program exits, or a signal that the program does not handle would end it.
 *
 * The settings come in one variable of the environment, and name the parent: processes that the program starts, and
 * its threads, inherit both and profile nothing.
 */

import { rmSync, writeFileSync } from 'node:fs';
// oxlint-disable-next-line no-restricted-imports -- not to compute: the only way to reach a thread that is busy
import { isMainThread, Worker } from 'node:worker_threads';
import { startSampling, stopSampling } from '../heap/sampler.ts';
import { openSession } from '../session.ts';
import { SETTINGS_VARIABLE } from './preload-settings.ts';
import type { PreloadSettings } from './preload-settings.ts';
import { beforeSignalsEnd } from './signals.ts';

/** Under this name the thread that watches the parent finds what ends the program. */
const ENDING = 'hotpath.profile.ending';

function start({ kind, file, interval }: PreloadSettings): void {
  const session = openSession('hotpath-profile');
  if (kind === 'cpu') {
    session.post('Profiler.enable');
    session.post('Profiler.setSamplingInterval', { interval });
    session.post('Profiler.start');
  } else {
    startSampling(session, interval, 'all');
  }

  let isFinished = false;
  const finish = (): void => {
    if (isFinished) return;
    isFinished = true;
    try {
      const profile = kind === 'cpu' ? session.post('Profiler.stop')['profile'] : stopSampling(session);
      session.close();
      writeFileSync(file, JSON.stringify(profile), { flag: 'wx' });
    } catch (error) {
      rmSync(file, { force: true });
      process.stderr.write(`hotpath-profile: cannot write ${file}: ${(error as Error).message}\n`);
    }
  };
  process.on('exit', finish);
  const hasOwnHandlers = beforeSignalsEnd(finish);
  const end = (): void => {
    finish();
    process.kill(process.pid, 'SIGKILL');
  };
  let hasTurned = false;
  (globalThis as Record<symbol, unknown>)[Symbol.for(ENDING)] = {
    askLoop: () => {
      hasTurned = false;
      setImmediate(() => {
        hasTurned = true;
      });
    },
    // A program that has heard the signal and handles it may take its time.
    endIfDeaf: () => {
      if (!hasTurned || !hasOwnHandlers()) end();
    },
    end,
  };
  new Worker(new URL('watcher.js', import.meta.url), { execArgv: [], stdin: false }).unref();
}

function settings(): PreloadSettings | undefined {
  const text = process.env[SETTINGS_VARIABLE];
  if (!isMainThread || text === undefined) return undefined;
  const read = JSON.parse(text) as PreloadSettings;
  return read.parent === process.ppid ? read : undefined;
}

const given = settings();
if (given !== undefined) start(given);
