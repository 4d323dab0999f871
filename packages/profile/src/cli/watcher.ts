/**
 * A thread of the profiled program. Its own thread may be busy for ever, and then no signal reaches it; this one hears
 * the parent through a pipe, and V8's inspector interrupts what runs.
 */

import { Session } from 'node:inspector';
import { Socket } from 'node:net';

/** The pipe's number in the program. */
const PIPE = 3;
const EXPRESSION = "globalThis[Symbol.for('hotpath.profile.finish')]()";

// A socket, because a read of a file cannot be called off, and the process would wait for it at its end.
const pipe = new Socket({ fd: PIPE, readable: true, writable: false });
pipe.once('error', () => pipe.destroy());
pipe.once('data', () => {
  const session = new Session();
  session.connectToMainThread();
  session.post('Runtime.evaluate', { expression: EXPRESSION });
});
