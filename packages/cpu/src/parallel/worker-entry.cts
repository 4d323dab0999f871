/**
 * The file that piscina loads in a worker, in CommonJS because piscina tries `require` first. On Node 20 a thread that
 * is ended while it requires an ES module takes the whole process with it (a fatal error in `InstantiateSync`); one
 * that is ended while it imports does not.
 */

import type { Job, Outcome } from './protocol.ts' with { 'resolution-mode': 'import' };

const loading = import('./worker.ts');

module.exports = async (job: Job): Promise<Outcome> => (await loading).default(job);
