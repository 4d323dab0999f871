/** C3: a picture of 12 megapixels, row by row. The naive variant is the same algorithm in a serial loop. */

import type { Case } from '../harness/case.ts';
import {
  adjustSerial,
  blurSerial,
  fingerprint,
  graySerial,
  HEIGHT,
  invertSwapped,
  paint,
  WIDTH,
} from '../workloads/picture.ts';
import { threadsUp } from './threads-up.ts';

const RADIUS = 8;
const ADJUSTMENT = { brightness: 0.1, contrast: 1.5 };
const ADJUSTED = Uint8Array.from({ length: 256 }, (_, value) =>
  Math.min(
    255,
    Math.max(0, Math.round((value - 127.5) * ADJUSTMENT.contrast + 127.5 + ADJUSTMENT.brightness * 255)),
  ),
);

type Transform = 'grayscale' | 'blur' | 'adjust' | 'pixel function';

function imageCase(name: string, transform: Transform): Case {
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
          const [words, outWords] = [new Uint32Array(pixels.buffer), new Uint32Array(out.buffer)];
          const run = async (): Promise<number> => {
            if (transform === 'blur') blurSerial(pixels, out, RADIUS);
            else if (transform === 'adjust') adjustSerial(pixels, out, ADJUSTED);
            else if (transform === 'grayscale') graySerial(pixels, out);
            else for (let i = 0; i < words.length; i++) outWords[i] = invertSwapped(words[i]!);
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
          const { adjust, boxBlur, createImage, grayscale, mapPixels } = await import('@hotpath/cpu/image');
          const parallel = createParallel();
          const image = createImage(WIDTH, HEIGHT);
          const out = createImage(WIDTH, HEIGHT);
          paint(image.pixels);
          const task = {
            module: new URL('../workloads/picture.js', import.meta.url),
            export: 'invertSwapped',
          };
          const run = async (): Promise<number> => {
            if (transform === 'blur') await boxBlur(parallel, image, RADIUS, out);
            else if (transform === 'adjust') await adjust(parallel, image, ADJUSTMENT, out);
            else if (transform === 'grayscale') await grayscale(parallel, image, out);
            else await mapPixels(parallel, image, task, out);
            return out.pixels[0]!;
          };
          await threadsUp(run);
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

const cases: readonly Case[] = [
  imageCase('blur 12 MP', 'blur'),
  imageCase('grayscale 12 MP', 'grayscale'),
  imageCase('adjust 12 MP', 'adjust'),
  imageCase('pixel function 12 MP', 'pixel function'),
];

export default cases;
