import { once } from 'node:events';
import sonicBoom from 'sonic-boom';
import type { LineSink } from '../line-sink.ts';

/**
 * As published: no minimum length. Waiting for `drain` and not for `flush`, because flush fsyncs as well, which nobody
 * else does here.
 */
export async function openSonicBoom(path: string): Promise<LineSink> {
  const boom = new sonicBoom.SonicBoom({ dest: path, append: true, sync: false });
  await once(boom, 'ready');
  return {
    async write(count, line) {
      for (let index = 0; index < count - 1; index++) {
        if (!boom.write(line(index))) await once(boom, 'drain');
      }
      boom.write(line(count - 1));
      await once(boom, 'drain');
    },
    async close() {
      boom.end();
      await once(boom, 'close');
    },
  };
}
