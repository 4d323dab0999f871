/** A bar with the time left on a terminal, a plain line a case elsewhere. Written to stderr: stdout is the report's. */

import type { WriteStream } from 'node:tty';

export interface Progress {
  readonly start: (name: string) => void;
  readonly step: (text: string) => void;
  readonly done: (name: string, outcome: string) => void;
  readonly stop: () => void;
}

const BAR_CELLS = 24;

function duration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** @param total cases to come. */
export function createProgress(out: WriteStream | NodeJS.WriteStream, total: number): Progress {
  const begun = performance.now();
  let finished = 0;
  let current = '';

  if (!out.isTTY) {
    let started = begun;
    return {
      start: () => {
        started = performance.now();
      },
      step: () => {},
      done: (name, outcome) => {
        const seconds = ((performance.now() - started) / 1000).toFixed(1);
        out.write(`[${++finished}/${total}] ${name}: ${outcome} (${seconds} s)\n`);
      },
      stop: () => {},
    };
  }

  const draw = (step: string): void => {
    const filled = total === 0 ? BAR_CELLS : Math.round((finished / total) * BAR_CELLS);
    const bar = '█'.repeat(filled) + '░'.repeat(BAR_CELLS - filled);
    const elapsed = performance.now() - begun;
    const left = finished === 0 ? '' : `, ${duration((elapsed / finished) * (total - finished))} left`;
    const line = `${bar} ${finished}/${total}${left}  ${current}${step === '' ? '' : ` (${step})`}`;
    out.write(`\r\u001B[K${line.slice(0, Math.max(20, (out.columns ?? 80) - 1))}`);
  };
  return {
    start: (name) => {
      current = name;
      draw('');
    },
    step: draw,
    done: () => {
      finished++;
      draw('');
    },
    stop: () => {
      out.write('\r\u001B[K');
    },
  };
}
