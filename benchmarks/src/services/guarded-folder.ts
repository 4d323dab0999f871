import type { ChildProcess } from 'node:child_process';
import { leaveHome, withHome } from './server.ts';

/** A temporary folder, and processes, that go with this process, however that ends. */
export interface GuardedFolder extends AsyncDisposable {
  /** Absolute path; the folder is empty at first. */
  readonly path: string;
  /** Has the child killed too when this process is: one in an endless loop does not notice that its parent is gone. */
  guard(child: ChildProcess): void;
}

/**
 * Makes a temporary folder under the guard of the watchdog: it is removed when it is disposed of, and also when this
 * process is killed before that.
 *
 * @throws WatchdogError if the folder cannot be made: a full or read-only disk.
 */
export async function createGuardedFolder(): Promise<GuardedFolder> {
  return await withHome({}, ({ watchdog, folder }) =>
    Promise.resolve({
      path: folder,
      guard(child: ChildProcess) {
        const { pid } = child;
        if (pid === undefined) return; // could not be started
        // A watchdog that is gone has taken the folder with it; whoever uses the folder hears of that.
        const tell = (alive: boolean): void => {
          watchdog.request({ op: 'adopt', pid, alive }).catch(() => {});
        };
        tell(true);
        child.once('exit', () => {
          tell(false);
        });
      },
      [Symbol.asyncDispose]: () => leaveHome(watchdog, folder),
    }),
  );
}
