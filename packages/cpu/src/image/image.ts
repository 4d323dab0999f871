import { allocate, free } from '@hotpath/memory';

import { describe } from '../describe.ts';
import { ArgumentRangeError, ArgumentTypeError } from '../errors.ts';
import { locate, overlaps } from '../kernels/operands.ts';
import { checkNumber } from '../parallel/options.ts';
import type { MapOptions } from '../parallel/options.ts';
import type { Parallel } from '../parallel/api.ts';
import type { ParallelTask, TaskModule } from '../parallel/task.ts';

/** An RGBA image: four bytes a pixel, row behind row. The pixels are the caller's, who frees them. */
export interface RgbaImage {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
}

/**
 * An empty image in the heap of `@hotpath/memory`, where every thread sees it. Decoding and encoding are left to a library
 * (sharp, jimp, pngjs): have it write raw RGBA into `pixels`. Free `pixels` when done.
 *
 * @throws ArgumentTypeError, ArgumentRangeError when a side is no integer from 1 to 65,535.
 * @example
 * const picture = createImage(4000, 3000);
 * picture.pixels.set(rgba);
 * await grayscale(parallel, picture);
 */
export function createImage(width: number, height: number): RgbaImage {
  checkNumber('width', width, 1, SIDE_MAX, true);
  checkNumber('height', height, 1, SIDE_MAX, true);
  return { width, height, pixels: allocate('u8', width * height * 4) };
}

const SIDE_MAX = 65_535;
const RADIUS_MAX = 1024;
const MODULE = new URL('./rows.js', import.meta.url);

/**
 * Makes every pixel gray (BT.601 luma), row-parallel. Alpha is kept.
 *
 * @param out receives the pixels; by default `image` itself.
 * @returns `out`.
 * @throws ArgumentTypeError, ArgumentRangeError when an image is none, its pixels are not in shared memory, sizes differ, or
 * `out` overlaps `image` without being the same pixels.
 * @throws FreedVectorError when pixels were freed.
 * @throws what `parallel.forEachRange` throws.
 */
export function grayscale(
  parallel: Parallel,
  image: RgbaImage,
  out: RgbaImage = image,
  options?: MapOptions,
): Promise<RgbaImage> {
  return transform(parallel, 'grayscaleRows', image, out, {}, options);
}

/**
 * Changes brightness (−1 to 1, added) and contrast (0 to 10, around the middle; 1 keeps it), row-parallel. Alpha is kept.
 *
 * @returns `out`, by default `image` itself.
 * @throws as {@link grayscale}.
 */
export async function adjust(
  parallel: Parallel,
  image: RgbaImage,
  { brightness = 0, contrast = 1 }: { readonly brightness?: number; readonly contrast?: number },
  out: RgbaImage = image,
  options?: MapOptions,
): Promise<RgbaImage> {
  checkNumber('brightness', brightness, -1, 1, false);
  checkNumber('contrast', contrast, 0, 10, false);
  checkPair(image, out);
  const table = allocate('u8', 256);
  for (let value = 0; value < 256; value++) {
    const wanted = Math.round((value - 127.5) * contrast + 127.5 + brightness * 255);
    table[value] = Math.min(255, Math.max(0, wanted));
  }
  try {
    return await transform(parallel, 'adjustRows', image, out, { table }, options);
  } finally {
    free(table);
  }
}

/**
 * Blurs by the mean of the square of `2 * radius + 1` pixels around each, row-parallel, at a cost that does not depend on the
 * radius. The border is repeated.
 *
 * @param out another image: a blur cannot be done in place.
 * @returns `out`.
 * @throws as {@link grayscale}; ArgumentRangeError when `radius` is no integer from 0 to 1024, or `out` overlaps `image`.
 */
export async function boxBlur(
  parallel: Parallel,
  image: RgbaImage,
  radius: number,
  out: RgbaImage,
  options?: MapOptions,
): Promise<RgbaImage> {
  checkNumber('radius', radius, 0, RADIUS_MAX, true);
  check('image', image);
  check('out', out);
  if (overlaps(image.pixels, out.pixels)) {
    throw new ArgumentRangeError('out: expected an image apart from the one that is read');
  }
  // The columns of a range are summed anew, 2r + 1 rows of them: longer ranges make that little.
  const grain = 32 + 2 * radius;
  return await transform(parallel, 'boxBlurRows', image, out, { radius }, { grain, ...options });
}

/**
 * Applies a function of the caller's to every pixel: `fn(rgba, index)` with the pixel as one number, 0xAABBGGRR, gives the new one.
 *
 * @returns `out`, by default `image` itself.
 * @throws as {@link grayscale}, and what `parallel.mapInto` throws.
 */
export async function mapPixels(
  parallel: Parallel,
  image: RgbaImage,
  task: ParallelTask<number, number> | TaskModule,
  out: RgbaImage = image,
  options?: MapOptions,
): Promise<RgbaImage> {
  checkPair(image, out);
  await parallel.mapInto(words(image), words(out), task, options);
  return out;
}

function words({ pixels }: RgbaImage): Uint32Array {
  if (pixels.byteOffset % 4 !== 0) {
    throw new ArgumentRangeError('pixels: expected a view that begins at a multiple of 4 bytes');
  }
  return new Uint32Array(pixels.buffer, pixels.byteOffset, pixels.length / 4);
}

async function transform(
  parallel: Parallel,
  name: string,
  image: RgbaImage,
  out: RgbaImage,
  more: object,
  options: MapOptions | undefined,
): Promise<RgbaImage> {
  checkPair(image, out);
  const { pixels, width, height } = image;
  const data = { pixels, out: out.pixels, width, height, ...more };
  await parallel.forEachRange(height, { module: MODULE, export: name }, data, options);
  return out;
}

function checkPair(image: RgbaImage, out: RgbaImage): void {
  check('image', image);
  check('out', out);
  if (out.width !== image.width || out.height !== image.height) {
    throw new ArgumentRangeError(
      `out: expected ${image.width} by ${image.height} pixels like image, got ${out.width} by ${out.height}`,
    );
  }
  // Exactly in place each pixel is read before it is written; a row or a byte beside it, others still read what is written.
  if (out.pixels.byteOffset !== image.pixels.byteOffset && overlaps(image.pixels, out.pixels)) {
    throw new ArgumentRangeError('out: expected the pixels of image themselves, or an image apart from them');
  }
}

function check(name: string, image: RgbaImage): void {
  if (typeof image !== 'object' || image === null || !(image.pixels instanceof Uint8Array)) {
    throw new ArgumentTypeError(`${name}: expected { width, height, pixels }, got ${describe(image)}`);
  }
  checkNumber(`${name}.width`, image.width, 1, SIDE_MAX, true);
  checkNumber(`${name}.height`, image.height, 1, SIDE_MAX, true);
  if (image.pixels.length !== image.width * image.height * 4) {
    throw new ArgumentRangeError(
      `${name}.pixels: expected ${image.width * image.height * 4} bytes, got ${image.pixels.length}`,
    );
  }
  if (!(image.pixels.buffer instanceof SharedArrayBuffer)) {
    throw new ArgumentTypeError(`${name}.pixels: expected shared memory, as createImage takes it`);
  }
  locate(`${name}.pixels`, image.pixels);
}
