import { addressOf, allocate, attachHeap, free, heap, viewAt } from '@hotpath/memory';
import { parentPort, workerData } from 'node:worker_threads';

function codeOf(run) {
  try {
    run();
    return 'none';
  } catch (error) {
    return error.code;
  }
}

attachHeap(workerData.handle);
const refusals = {
  allocate: codeOf(() => allocate('f32', 1)),
  heapAllocate: codeOf(() => heap().allocate(1)),
  free: codeOf(() => free(viewAt('u8', workerData.address, 1))),
  trim: codeOf(() => heap().trim()),
  stats: codeOf(() => heap().stats()),
  check: codeOf(() => heap().checkInvariants()),
};
parentPort.postMessage({
  refusals,
  isOwner: heap().isOwner,
  // The posted view has another buffer object than the attached memory, and is the heap's all the same.
  address: addressOf(workerData.view),
});

parentPort.on('message', ({ address, length, tag }) => {
  const bytes = viewAt('u8', address, length);
  let wrong = 0;
  for (let i = 0; i < length; i++) if (bytes[i] !== tag) wrong++;
  bytes.fill(255 - tag);
  parentPort.postMessage({ address, wrong });
});
