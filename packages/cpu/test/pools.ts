/** The pools of a test file; what a test opens, `afterEach(closePools)` closes. */
import { createParallel } from '@hotpath/cpu';
import type { Parallel, ParallelOptions } from '@hotpath/cpu';

const open: Parallel[] = [];

export function pool(options: ParallelOptions = {}): Parallel {
  const parallel = createParallel({ threads: 3, stopGraceMs: 200, ...options });
  open.push(parallel);
  return parallel;
}

export async function closePools(): Promise<void> {
  await Promise.all(open.splice(0).map((parallel) => parallel.close()));
}
