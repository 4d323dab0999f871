/** The parent's side of a measuring process: start, ask, kill. */

import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { killTree } from '../services/process-tree.ts';
import type { Reply, Request } from './protocol.ts';

const ENTRY = fileURLToPath(new URL('child.js', import.meta.url));
/** Characters of a dead process's stderr that the error quotes. */
const QUOTED_STDERR = 600;
const CLOSE_TIMEOUT_MS = 5000;

export class VariantError extends Error {
  override readonly name = 'VariantError';
  readonly code = 'ERR_HOTPATH_BENCHMARKS_VARIANT';
}

export interface MeasuringProcessOptions {
  /** Node to run it under. */
  readonly execPath: string;
  /** Longest wait for a reply, milliseconds. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Told of the process as soon as it is started. */
  readonly guard?: ((child: ChildProcess) => void) | undefined;
}

export class MeasuringProcess {
  readonly #child: ChildProcess;
  readonly #options: MeasuringProcessOptions;
  #stderr = '';
  #startError: Error | undefined;

  constructor(options: MeasuringProcessOptions) {
    this.#options = options;
    this.#child = fork(ENTRY, [], {
      execPath: options.execPath,
      execArgv: ['--expose-gc'],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.#child.on('error', (error) => {
      this.#startError = error;
    });
    options.guard?.(this.#child);
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-QUOTED_STDERR);
    });
  }

  /** `undefined` when it could not be started. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  /**
   * Sends a request and waits for its reply.
   *
   * @throws VariantError when the variant throws, the process dies or no reply comes in time; the run's abort reason
   *   when it is aborted.
   */
  async ask(
    request: Request,
    timeoutMs: number = this.#options.timeoutMs,
  ): Promise<Exclude<Reply, { ok: 'failed' }>> {
    const reply = await this.#exchange(request, timeoutMs);
    if (reply.ok === 'failed') throw new VariantError(reply.message);
    return reply;
  }

  #exchange(request: Request, timeoutMs: number): Promise<Reply> {
    const child = this.#child;
    const { signal } = this.#options;
    return new Promise<Reply>((resolve, reject) => {
      const settle = (finish: () => void): void => {
        clearTimeout(timer);
        child.off('message', onMessage).off('exit', onExit).off('error', onError);
        signal.removeEventListener('abort', onAbort);
        finish();
      };
      const onMessage = (message: unknown): void => {
        settle(() => {
          resolve(message as Reply);
        });
      };
      const onExit = (code: number | null, killedBy: string | null): void => {
        settle(() => {
          const how = killedBy === null ? `exited with ${code}` : `was ended by ${killedBy}`;
          reject(new VariantError(`the process ${how} while asked to ${request.do}. ${this.#stderr}`.trim()));
        });
      };
      const onError = (cause: Error): void => {
        settle(() => {
          reject(new VariantError(`the process could not be reached: ${cause.message}`, { cause }));
        });
      };
      const onAbort = (): void => {
        settle(() => {
          reject(signal.reason as Error);
        });
      };
      const timer = setTimeout(() => {
        settle(() => {
          reject(new VariantError(`no reply within ${timeoutMs / 1000} s when asked to ${request.do}`));
        });
      }, timeoutMs);
      if (signal.aborted) return onAbort();
      if (this.#startError !== undefined) return onError(this.#startError);
      if (child.exitCode !== null || child.signalCode !== null)
        return onExit(child.exitCode, child.signalCode);
      child.on('message', onMessage).once('exit', onExit).once('error', onError);
      signal.addEventListener('abort', onAbort, { once: true });
      child.send(request, (error) => {
        if (error !== null) onError(error);
      });
    });
  }

  /** Lets the variant free what it holds, then ends the process; never throws. One that does not end is killed, with all that it started. */
  async close(): Promise<void> {
    const child = this.#child;
    if (this.#startError !== undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise<void>((resolve) => {
      child.once('exit', () => {
        resolve();
      });
    });
    const kill = (): void => {
      if (child.exitCode === null && child.signalCode === null && child.pid !== undefined)
        killTree(child.pid);
    };
    const timer = setTimeout(kill, CLOSE_TIMEOUT_MS);
    try {
      await this.#exchange({ do: 'close' }, this.#options.timeoutMs);
      child.disconnect();
    } catch {
      kill();
    }
    await exited;
    clearTimeout(timer);
  }
}
