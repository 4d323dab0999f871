/** A user that servers are run as when the launcher itself is root. */
export interface RunAs {
  readonly uid: number;
  readonly gid: number;
}

/** A command, complete: nothing is inherited from the watchdog but the user, and even that only without `user`. */
export interface CommandSpec {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly user?: RunAs;
}

/** One step of an orderly stop: send the signal, wait this long for the end, then go on to the next step. */
export interface StopStep {
  readonly signal: NodeJS.Signals;
  readonly waitMs: number;
}

export interface ServerSpec extends CommandSpec {
  /** Folder, made by the watchdog, that the server keeps its files in. */
  readonly folder: string;
  /** Regular expression over the output that tells that the server takes connections. */
  readonly ready: string;
  readonly readyTimeoutMs: number;
  /** How to stop it in order; SIGKILL follows the last step by itself. */
  readonly stop: readonly StopStep[];
  /** How to stop it when nobody waits for it any more. */
  readonly abandon: readonly StopStep[];
  /**
   * What to run before the folder of a killed server is removed: a server may own things outside of its folder (shared
   * memory) that it only takes back when it finds its files again.
   */
  readonly sweep?: CommandSpec;
}

export type Request =
  | {
      readonly op: 'folder';
      /** Folder in which to make it; the system's temporary one if left out. */
      readonly parent: string;
      readonly owner?: RunAs;
    }
  | { readonly op: 'remove'; readonly folder: string }
  | { readonly op: 'run'; readonly spec: CommandSpec; readonly timeoutMs: number }
  | { readonly op: 'start'; readonly spec: ServerSpec }
  /** A process that the launcher started itself and that may not notice the launcher's end; `false` once it has ended. */
  | { readonly op: 'adopt'; readonly pid: number; readonly alive: boolean }
  | { readonly op: 'signal'; readonly pid: number; readonly how: 'stop' | 'kill' | 'hang' | 'resume' };

/** What each request is answered with. */
export interface Answers {
  readonly folder: string;
  readonly remove: null;
  readonly run: RunResult;
  readonly start: StartResult;
  readonly adopt: null;
  readonly signal: null;
}

export interface RunResult {
  /** Exit code; `null` when a signal ended it or it could not be started. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export type StartResult =
  | { readonly ok: true; readonly pid: number }
  | { readonly ok: false; readonly reason: string; readonly log: string };

export type Envelope = Request & { readonly id: number };

export type Reply =
  | { readonly id: number; readonly answer: Answers[keyof Answers] }
  | { readonly id: number; readonly failure: string }
  | { readonly exited: number };
