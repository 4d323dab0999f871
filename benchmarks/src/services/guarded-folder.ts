import { leaveHome, withHome } from './server.ts';

/** A temporary folder that goes with this process, however that ends. */
export interface GuardedFolder extends AsyncDisposable {
  /** Absolute path; the folder is empty at first. */
  readonly path: string;
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
      [Symbol.asyncDispose]: () => leaveHome(watchdog, folder),
    }),
  );
}
