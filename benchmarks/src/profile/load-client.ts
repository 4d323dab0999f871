/** A process that keeps a service busy: `node load-client.js PORT CONNECTIONS`, until it is ended. Each connection asks again as soon as it is answered. */

import { Agent, get } from 'node:http';

const [port = 0, connections = 1] = process.argv.slice(2).map(Number);
const agent = new Agent({ keepAlive: true, maxSockets: connections });

function ask(): void {
  get({ port, agent }, (response) => {
    response.on('end', ask).resume();
  }).on('error', () => process.exit(1));
}

for (let opened = 0; opened < connections; opened++) ask();
// Who started us may be killed outright.
process.on('disconnect', () => process.exit(0));
