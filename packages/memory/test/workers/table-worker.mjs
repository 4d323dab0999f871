import { addressOf, attachHeap, defineLayout } from '@hotpath/memory';
import { parentPort, workerData } from 'node:worker_threads';

const Particle = defineLayout(workerData.spec);
if (workerData.handle !== undefined) attachHeap(workerData.handle);

function codeOf(run) {
  try {
    run();
    return 'none';
  } catch (error) {
    return error.code;
  }
}

parentPort.on('message', ({ descriptor, from, to, kind }) => {
  if (kind === 'mismatch') {
    const other = defineLayout({ ...workerData.spec, extra: 'u8' });
    parentPort.postMessage({ code: codeOf(() => other.attach(descriptor)) });
    return;
  }
  const table = Particle.attach(descriptor);
  if (kind === 'refusals') {
    const row = table.get(0);
    const actions = {
      push: () => table.push(row),
      insert: () => table.insert(0, row),
      swapRemove: () => table.swapRemove(0),
      remove: () => table.remove(0),
      truncate: () => table.truncate(0),
      clear: () => table.clear(),
      resize: () => table.resize(1),
      reserve: () => table.reserve(10),
      retain: () => table.retain(() => true),
      shrinkToFit: () => table.shrinkToFit(),
    };
    const codes = Object.fromEntries(Object.entries(actions).map(([name, run]) => [name, codeOf(run)]));
    parentPort.postMessage({ codes, address: addressOf(table.columns.x) });
    return;
  }
  const p = table.cursor();
  for (p.index = from; p.index < to; p.index++) {
    p.x += p.vx;
    p.kind = 'done';
  }
  parentPort.postMessage({ length: table.length });
});
