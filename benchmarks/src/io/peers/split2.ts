import { createReadStream } from 'node:fs';
// @ts-expect-error -- split2 has no types of its own
import untyped from 'split2';

const split2 = untyped as () => NodeJS.ReadWriteStream;

/** By its `data` event, as its documentation shows. */
export function countLines(path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    let total = 0;
    createReadStream(path)
      .on('error', reject)
      .pipe(split2())
      .on('data', (line: string) => {
        total += line.length + 1;
      })
      .on('error', reject)
      .on('end', () => resolve(total));
  });
}
