import { type OnReadOpts, Socket, type SocketConstructorOpts } from 'node:net';

/** As much as Node reads at once by itself. */
const READ_BYTES = 65_536;

/** A socket for `pg` that can read into one buffer again and again. */
export interface ReusingSocket {
  /** What `pg` asks for a socket. Over TLS the bytes come from a stream above, so that is an ordinary one. */
  readonly stream: (config: { readonly ssl?: unknown }) => Socket;
  /** From now on a chunk is only valid during its `data` event; until then whoever gets one may keep it. */
  reuse(): void;
}

/**
 * Makes one. By itself, a socket allocates 64 KiB outside V8's heap for each read, which only a collection frees: a result that is
 * read faster than it makes garbage piles up megabytes of them.
 */
export function reusingSocket(): ReusingSocket {
  let reused = false;
  const make = (): Socket => {
    const onread: OnReadOpts = {
      buffer: Buffer.allocUnsafeSlow(READ_BYTES),
      callback(count, bytes) {
        const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, count);
        socket.emit('data', reused ? chunk : Buffer.from(chunk));
        return true;
      },
    };
    // The types know it of `connect` only.
    const options: SocketConstructorOpts = { onread } as object;
    const socket = new Socket(options);
    return socket;
  };
  return {
    stream: ({ ssl }) => (ssl ? new Socket() : make()),
    reuse() {
      reused = true;
    },
  };
}
