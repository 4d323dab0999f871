import { receiveLease } from '@hotpath/memory';
import { parentPort } from 'node:worker_threads';

/** Checks the block, overwrites it, and lets it go in one of three ways. */
parentPort.on('message', ({ descriptor, tag, how, descriptors, start }) => {
  if (how === 'race') {
    const leases = descriptors.map((one) => receiveLease(one));
    // All begin at the same moment, as far as there are cores.
    Atomics.add(start, 0, 1);
    while (Atomics.load(start, 0) < 3);
    for (const one of leases) one.release();
    parentPort.postMessage({ wrong: 0 });
    return;
  }
  const lease = receiveLease(descriptor);
  const { bytes } = lease;
  let wrong = 0;
  for (let i = 0; i < bytes.length; i++) if (bytes[i] !== tag) wrong++;
  bytes.fill((tag + 1) & 0xff);
  if (how === 'release') {
    lease.release();
    parentPort.postMessage({ wrong });
  } else if (how === 'return') parentPort.postMessage({ wrong, descriptor: lease.share() });
  else if (how === 'keep') parentPort.postMessage({ wrong });
  else if (how === 'twice') {
    lease.release();
    const codes = [];
    for (const run of [
      () => lease.release(),
      () => lease.bytes,
      () => lease.share(),
      () => receiveLease(descriptor),
    ]) {
      try {
        run();
        codes.push('none');
      } catch (error) {
        codes.push(error.code);
      }
    }
    parentPort.postMessage({ wrong, codes });
  }
});
