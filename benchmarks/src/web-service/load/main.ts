/** The generator as a process: takes {@link LoadOptions} as messages, one at a time, and answers with the results. */

import { generateLoad, type LoadOptions } from './generate.ts';

process.on('message', (options: LoadOptions) => {
  void generateLoad(options).then((result) => process.send?.(result));
});
process.on('disconnect', () => {
  process.exit(0);
});
process.send?.('ready');
