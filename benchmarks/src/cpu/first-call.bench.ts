/**
 * C2 and C3 with threads cold: the first call of a pool that was just made, which the other cases do not time. There the threads of all
 * pools are up before the clock starts, because that is how a service meets them; a program that makes one call and ends meets this.
 * The peers' time begins where they make their pool, whose threads start then; ours starts them when the call is found to be worth it.
 */

import type { Case, Operation, Variant } from '../harness/case.ts';
import { crunch, crunchInput } from '../workloads/crunch.ts';
import { graySerial, HEIGHT, paint, WIDTH } from '../workloads/picture.ts';

type Close = () => Promise<void>;

/** Times the first call alone; `call` may give what is to be closed afterwards. */
function firstCall(call: () => Promise<Close | undefined>): Operation {
  let ns = 0;
  let close: Close | undefined;
  return {
    async run() {
      const started = performance.now();
      close = await call();
      ns = (performance.now() - started) * 1e6;
      return ns;
    },
    answer: () => 0,
    findings: () => ({
      measurements: [{ metric: 'time', unit: 'ns the first call', value: ns, better: 'less' }],
    }),
    close: () => close?.(),
  };
}

function coldCase(id: 'C2' | 'C3', name: string, variants: Readonly<Record<string, Variant>>): Case {
  return {
    id,
    case: name,
    package: 'cpu',
    tier: 'plain',
    params: { threads: 'cold' },
    guide: null,
    async: true,
    experiment: true,
    share: 0.5,
    limit:
      'Starting a thread and loading the function in it takes 50 ms; meanwhile the calling thread goes on alone.',
    variants,
  };
}

function crunchCold(size: '10K' | '100K'): Case {
  const length = size === '10K' ? 10_000 : 100_000;
  return coldCase('C2', `${size}, first call`, {
    naive: {
      kind: 'naive',
      setup() {
        const input = crunchInput(length);
        const output = new Int32Array(length);
        return firstCall(async () => {
          for (let i = 0; i < length; i++) output[i] = crunch(input[i]!);
          return undefined;
        });
      },
    },
    ours: {
      kind: 'ours',
      async setup() {
        const { createParallel } = await import('@hotpath/cpu/parallel');
        const { adopt, allocate } = await import('@hotpath/memory');
        const input = adopt<'i32'>(crunchInput(length));
        const output = allocate('i32', length);
        const task = { module: new URL('../workloads/crunch.js', import.meta.url), export: 'crunch' };
        return firstCall(async () => {
          const parallel = createParallel();
          await parallel.mapInto(input, output, task);
          return () => parallel.close();
        });
      },
    },
    piscina: {
      kind: 'peer',
      async setup() {
        const { openPiscina } = await import('./peers/piscina.ts');
        await import('piscina');
        return firstCall(async () => {
          const pool = await openPiscina(length);
          await pool.run();
          return async () => await pool.close?.();
        });
      },
    },
  });
}

const grayCold = coldCase('C3', 'grayscale 12 MP, first call', {
  naive: {
    kind: 'naive',
    setup() {
      const pixels = new Uint8Array(WIDTH * HEIGHT * 4);
      const out = new Uint8Array(pixels.length);
      paint(pixels);
      return firstCall(async () => {
        graySerial(pixels, out);
        return undefined;
      });
    },
  },
  ours: {
    kind: 'ours',
    async setup() {
      const { createParallel } = await import('@hotpath/cpu/parallel');
      const { createImage, grayscale } = await import('@hotpath/cpu/image');
      const image = createImage(WIDTH, HEIGHT);
      const out = createImage(WIDTH, HEIGHT);
      paint(image.pixels);
      return firstCall(async () => {
        const parallel = createParallel();
        await grayscale(parallel, image, out);
        return () => parallel.close();
      });
    },
  },
});

const cases: readonly Case[] = [crunchCold('10K'), crunchCold('100K'), grayCold];

export default cases;
