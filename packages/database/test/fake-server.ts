import { type AddressInfo, type Socket, createServer } from 'node:net';

/** What a client sends instead of signing in, to have a statement cancelled. */
const CANCEL_REQUEST = 80_877_102;

/** A message as the server sends it. */
function message(kind: string, ...parts: readonly Buffer[]): Buffer {
  const bytes = Buffer.concat([Buffer.from(kind), Buffer.alloc(4), ...parts]);
  bytes.writeInt32BE(bytes.length - 1, 1);
  return bytes;
}

/** The server waits for what comes next. */
export const READY = message('Z', Buffer.from('I'));
/** A report that ends a statement, or with FATAL the connection. */
export function report(severity: 'ERROR' | 'FATAL', code: string): Buffer {
  return message('E', Buffer.from(`S${severity}\0C${code}\0Mnothing in particular\0\0`));
}

const SIGNED_IN = Buffer.concat([
  message('R', Buffer.alloc(4)),
  message('K', Buffer.from([0, 0, 0, 1, 0, 0, 0, 2])),
]);

/** What the fake does. */
interface Behaviour {
  /** Behind the sign-in, in one piece with it. */
  readonly welcome: Buffer;
  readonly onData?: (socket: Socket) => void;
  readonly onCancel?: () => void;
}

/** A server that signs everyone in and then does as it is told, for what a real one only does once in a while. */
export async function startFakeServer({
  welcome,
  onData,
  onCancel,
}: Behaviour): Promise<AsyncDisposable & { readonly url: string }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('data', (bytes: Buffer) => {
      if (bytes.readInt32BE(4) === CANCEL_REQUEST) {
        onCancel?.();
        socket.end();
        return;
      }
      socket.write(Buffer.concat([SIGNED_IN, welcome]));
      socket.on('data', () => onData?.(socket));
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `postgres://ada:x@127.0.0.1:${(server.address() as AddressInfo).port}/shop`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}
