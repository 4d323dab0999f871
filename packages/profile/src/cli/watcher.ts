/**
 * A thread of the profiled program. Its own thread may be busy for ever, and then no signal reaches it; this one hears
 * the parent through a pipe, and V8's inspector interrupts what runs.
 */

import { Session } from 'node:inspector';
import { Socket } from 'node:net';
import { END } from './preload-settings.ts';

/** The pipe's number in the program. */
const PIPE = 3;
/** How long an event loop may take to turn before its thread is taken for busy. */
const TURN_MS = 1000;

let session: Session | undefined;

function evaluate(call: 'askLoop' | 'endIfDeaf' | 'end'): void {
  if (session === undefined) {
    session = new Session();
    session.connectToMainThread();
  }
  session.post('Runtime.evaluate', {
    expression: `globalThis[Symbol.for('hotpath.profile.ending')].${call}()`,
  });
}

// A socket, because a read of a file cannot be called off, and the process would wait for it at its end.
const pipe = new Socket({ fd: PIPE, readable: true, writable: false });
pipe.once('error', () => pipe.destroy());
pipe.on('data', (text: Buffer) => {
  if (text.includes(END)) {
    evaluate('end');
    return;
  }
  evaluate('askLoop');
  setTimeout(() => evaluate('endIfDeaf'), TURN_MS);
});
