/**
 * Transforms of the rows of an RGBA image, as functions of a range of rows: the workers and the calling thread run these, and one
 * call over all rows is the serial transform. Alpha is kept.
 */

/** What a transform works on: pixels in shared memory, four bytes each, row behind row. */
export interface RowsData {
  readonly pixels: Uint8Array;
  readonly out: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** Luma of BT.601 in integers: (77 R + 150 G + 29 B) / 256. */
export function grayscaleRows(start: number, end: number, { pixels, out, width }: RowsData): void {
  for (let i = start * width * 4, stop = end * width * 4; i < stop; i += 4) {
    const luma = (77 * pixels[i]! + 150 * pixels[i + 1]! + 29 * pixels[i + 2]!) >> 8;
    out[i] = luma;
    out[i + 1] = luma;
    out[i + 2] = luma;
    out[i + 3] = pixels[i + 3]!;
  }
}

/** Brightness and contrast come as a table of the 256 values. */
export function adjustRows(
  start: number,
  end: number,
  { pixels, out, width, table }: RowsData & { readonly table: readonly number[] },
): void {
  const values = Uint8Array.from(table);
  for (let i = start * width * 4, stop = end * width * 4; i < stop; i += 4) {
    out[i] = values[pixels[i]!]!;
    out[i + 1] = values[pixels[i + 1]!]!;
    out[i + 2] = values[pixels[i + 2]!]!;
    out[i + 3] = pixels[i + 3]!;
  }
}

/**
 * The mean of the (2r + 1)² pixels around each, the border repeated. The sums of the columns are kept from row to row, and
 * a window slides over them, so a pixel costs the same at any radius. All sums are integers: ranges make no difference.
 */
export function boxBlurRows(
  start: number,
  end: number,
  { pixels, out, width, height, radius }: RowsData & { readonly radius: number },
): void {
  const stride = width * 4;
  const columns = new Uint32Array(stride);
  const area = (2 * radius + 1) ** 2;
  const half = area >> 1;
  const rowAt = (y: number): number => Math.min(Math.max(y, 0), height - 1) * stride;
  for (let y = start - radius; y <= start + radius; y++) {
    const row = rowAt(y);
    for (let x = 0; x < stride; x++) columns[x] = columns[x]! + pixels[row + x]!;
  }
  for (let y = start; y < end; y++) {
    for (let channel = 0; channel < 4; channel++) {
      const lastAt = stride - 4 + channel;
      let sum = 0;
      for (let x = -radius; x <= radius; x++) {
        sum += columns[Math.min(Math.max(x * 4 + channel, channel), lastAt)]!;
      }
      for (let x = channel, w = y * stride + channel; x < stride; x += 4, w += 4) {
        out[w] = Math.trunc((sum + half) / area);
        const enters = x + 4 * (radius + 1);
        const leaves = x - 4 * radius;
        sum += columns[enters > lastAt ? lastAt : enters]! - columns[leaves < channel ? channel : leaves]!;
      }
    }
    const enters = rowAt(y + radius + 1);
    const leaves = rowAt(y - radius);
    for (let x = 0; x < stride; x++) columns[x] = columns[x]! + pixels[enters + x]! - pixels[leaves + x]!;
  }
}
