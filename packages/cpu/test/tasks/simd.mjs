import { isSimdAvailable } from '@hotpath/cpu';
import { heap } from '@hotpath/memory';

/** Whether this thread has SIMD, and sees the caller's vectors as those of its heap. */
export function look(start, end, { seen }) {
  seen[0] = Number(isSimdAvailable());
  seen[1] = Number(heap().owns(seen.buffer));
}
