/** C3: a picture of 12 megapixels, row by row. The naive variant is the same algorithm in a serial loop. */

import type { Case } from '../harness/case.ts';
import { blurSerial, fingerprint, graySerial, HEIGHT, paint, WIDTH } from '../workloads/picture.ts';

const RADIUS = 8;

function imageCase(name: string, transform: 'grayscale' | 'blur'): Case {
  return {
    id: 'C3',
    case: name,
    package: 'cpu',
    tier: 'guide',
    params: { width: WIDTH, height: HEIGHT, ...(transform === 'blur' ? { radius: RADIUS } : {}) },
    guide: null,
    async: true,
    variants: {
      naive: {
        kind: 'naive',
        setup() {
          const pixels = new Uint8Array(WIDTH * HEIGHT * 4);
          const out = new Uint8Array(pixels.length);
          paint(pixels);
          const run = async (): Promise<number> => {
            if (transform === 'blur') blurSerial(pixels, out, RADIUS);
            else graySerial(pixels, out);
            return out[0]!;
          };
          return {
            run,
            async answer() {
              await run();
              return fingerprint(out);
            },
          };
        },
      },
      ours: {
        kind: 'ours',
        async setup() {
          const { createParallel } = await import('@hotpath/cpu/parallel');
          const { boxBlur, createImage, grayscale } = await import('@hotpath/cpu/image');
          const parallel = createParallel();
          const image = createImage(WIDTH, HEIGHT);
          const out = createImage(WIDTH, HEIGHT);
          paint(image.pixels);
          const run = async (): Promise<number> => {
            if (transform === 'blur') await boxBlur(parallel, image, RADIUS, out);
            else await grayscale(parallel, image, out);
            return out.pixels[0]!;
          };
          return {
            run,
            async answer() {
              await run();
              return fingerprint(out.pixels);
            },
            close: () => parallel.close(),
          };
        },
      },
    },
  };
}

const cases: readonly Case[] = [imageCase('blur 12 MP', 'blur'), imageCase('grayscale 12 MP', 'grayscale')];

export default cases;
