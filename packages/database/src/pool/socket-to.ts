import { Socket } from 'node:net';

/**
 * A socket that goes to an address, by whatever name `pg` has it connect. A name may stand for several servers (replicas, poolers), of
 * which only the one that a connection went to knows what it executes. A certificate is still checked for the name.
 */
export function socketTo(address: string | undefined): Socket {
  const socket = new Socket();
  if (address === undefined) return socket;
  const connect = socket.connect.bind(socket);
  socket.connect = ((port: number) => connect(port, address)) as Socket['connect'];
  return socket;
}
