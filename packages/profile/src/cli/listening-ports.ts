import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

const SOCKET = /^socket:\[(\d+)\]$/;
const LISTENING = '0A';

/** Ports at which a process waits for connections over IPv4, as Linux tells; elsewhere, and of a process that has gone, none. */
export function listeningPorts(pid: number): ReadonlySet<number> {
  const ports = new Set<number>();
  try {
    const sockets = socketsOf(pid);
    for (const line of readFileSync(`/proc/${pid}/net/tcp`, 'utf8').split('\n').slice(1)) {
      const [, local = '', , state, , , , , , socket = ''] = line.trim().split(/\s+/);
      if (state === LISTENING && sockets.has(socket)) ports.add(parseInt(local.split(':')[1]!, 16));
    }
  } catch {}
  return ports;
}

/** Their numbers, as `/proc/net` has them. */
function socketsOf(pid: number): ReadonlySet<string> {
  const folder = `/proc/${pid}/fd`;
  const sockets = new Set<string>();
  for (const descriptor of readdirSync(folder)) {
    let target: string;
    try {
      target = readlinkSync(`${folder}/${descriptor}`);
    } catch {
      // Closed meanwhile.
      continue;
    }
    const socket = SOCKET.exec(target)?.[1];
    if (socket !== undefined) sockets.add(socket);
  }
  return sockets;
}
