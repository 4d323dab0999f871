import { once, type EventEmitter } from 'node:events';
import fs from 'node:fs';
import type { LineSink } from '../line-sink.ts';

/** Node 24 and later; the types here are those of Node 20. */
interface Utf8Stream extends EventEmitter {
  write(text: string): boolean;
  end(): void;
}

type Utf8StreamClass = new (options: { dest: string; append: boolean; sync: boolean }) => Utf8Stream;

const { Utf8Stream } = fs as unknown as { readonly Utf8Stream?: Utf8StreamClass };

export async function openUtf8Stream(path: string): Promise<LineSink> {
  const stream = new Utf8Stream!({ dest: path, append: true, sync: false });
  await once(stream, 'ready');
  return {
    async write(count, line) {
      for (let index = 0; index < count - 1; index++) {
        if (!stream.write(line(index))) await once(stream, 'drain');
      }
      stream.write(line(count - 1));
      await once(stream, 'drain');
    },
    async close() {
      stream.end();
      await once(stream, 'close');
    },
  };
}
