/**
 * The one door to V8's inspector: a session of this thread with itself. Commands are answered before `post` returns.
 *
 * V8 has one sampler of each kind a thread, and starting it a second time says nothing and disturbs the first. So one
 * activity at a time holds the door; the holder is kept on `globalThis`, where two installed copies of this package meet.
 */

import type { Session } from 'node:inspector';
import { InspectorUnavailableError, ProfilerBusyError } from './errors.ts';

const HOLDER = Symbol.for('hotpath.profile.session.v1');

interface Holder {
  [HOLDER]?: string | undefined;
}

const holder = globalThis as Holder;

type Reply = Readonly<Record<string, unknown>>;

/**
 * Takes the thread for one activity, whose name the next one is told, and gives what lets it go again.
 *
 * @throws {ProfilerBusyError} another activity has it.
 */
export function claimThread(activity: string): () => void {
  const other = holder[HOLDER];
  if (other !== undefined) {
    throw new ProfilerBusyError(`${activity}: this thread is already being profiled, by ${other}`);
  }
  holder[HOLDER] = activity;
  let held = true;
  return () => {
    if (held) holder[HOLDER] = undefined;
    held = false;
  };
}

/** An open session; made by {@link openSession}, which also says who closes it. */
export class InspectorSession implements Disposable {
  readonly #session: Session;
  readonly #release: () => void;

  constructor(session: Session, release: () => void) {
    this.#session = session;
    this.#release = release;
  }

  /**
   * Sends a command and gives its answer.
   *
   * @throws {InspectorUnavailableError} the inspector refused it; the cause is its own error.
   */
  post(method: string, params: object = {}): Reply {
    let failure: Error | null = null;
    let reply: Reply | undefined;
    this.#session.post(method, params, (error, result) => {
      failure = error;
      reply = result as Reply | undefined;
    });
    if (failure !== null) {
      throw new InspectorUnavailableError(`the inspector refused ${method}`, { cause: failure });
    }
    return reply ?? {};
  }

  /**
   * Sends a command that V8 may answer in a later turn, as newer versions do with snapshots, and waits for its answer.
   *
   * @throws {InspectorUnavailableError} the inspector refused it; the cause is its own error.
   */
  request(method: string, params: object = {}): Promise<Reply> {
    return new Promise((resolve, reject) => {
      this.#session.post(method, params, (error, result) => {
        if (error === null) resolve((result as Reply | undefined) ?? {});
        else reject(new InspectorUnavailableError(`the inspector refused ${method}`, { cause: error }));
      });
    });
  }

  /** Hands each notification of this name to `listener`, in the middle of the command that sends it; it must not throw. */
  on(notification: string, listener: (params: Reply) => void): void {
    this.#session.on(notification, ({ params }: { readonly params: Reply }) => {
      listener(params);
    });
  }

  /** Ends the session, and with it every sampler that it started, and lets the next activity in. Twice does nothing. */
  close(): void {
    this.#session.disconnect();
    this.#release();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/**
 * Opens a session for one activity, whose name the next one is told while it lasts. Whoever opens it closes it, on every
 * path.
 *
 * @throws {ProfilerBusyError} another activity of this thread has the door.
 * @throws {InspectorUnavailableError} this Node was built without the inspector, or may not use it.
 */
export function openSession(activity: string): InspectorSession {
  const release = claimThread(activity);
  try {
    // Asked for when needed: monitor() works in a Node that was built without it.
    const inspector = process.getBuiltinModule('node:inspector');
    const session = new inspector.Session();
    session.connect();
    return new InspectorSession(session, release);
  } catch (cause) {
    release();
    throw new InspectorUnavailableError(`${activity}: the inspector cannot be used here`, { cause });
  }
}
