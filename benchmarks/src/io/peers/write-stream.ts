import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import type { LineSink } from '../line-sink.ts';

export async function openWriteStream(path: string): Promise<LineSink> {
  const stream = createWriteStream(path, { flags: 'a' });
  await once(stream, 'open');
  return {
    async write(count, line) {
      for (let index = 0; index < count - 1; index++) {
        if (!stream.write(line(index))) await once(stream, 'drain');
      }
      await new Promise((resolve) => stream.write(line(count - 1), resolve));
    },
    async close() {
      stream.end();
      await once(stream, 'close');
    },
  };
}
