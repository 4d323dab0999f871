// Preloaded into every thread of a process, it lets no worker thread come up.
const { isMainThread } = require('node:worker_threads');

if (!isMainThread) throw new Error('no workers today');
