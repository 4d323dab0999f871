/** A picture of noise over a gradient, RGBA, and the serial loops over its rows that one would write. */

export const WIDTH = 4000;
export const HEIGHT = 3000;

export function paint(pixels: Uint8Array): void {
  const words = new Uint32Array(pixels.buffer, pixels.byteOffset, pixels.length / 4);
  for (let i = 0; i < words.length; i++) words[i] = (Math.imul(i, 0x9e37_79b1) ^ (i >>> 4)) | 0xff00_0000;
}

/** A number that two pictures share only when they are the same. */
export function fingerprint(pixels: Uint8Array): number {
  const words = new Uint32Array(pixels.buffer, pixels.byteOffset, pixels.length / 4);
  let hash = 0;
  for (let i = 0; i < words.length; i++) hash = (Math.imul(hash, 31) + words[i]!) | 0;
  return hash;
}

export function graySerial(pixels: Uint8Array, out: Uint8Array): void {
  for (let y = 0; y < HEIGHT; y++) {
    for (let i = y * WIDTH * 4, stop = i + WIDTH * 4; i < stop; i += 4) {
      const luma = (77 * pixels[i]! + 150 * pixels[i + 1]! + 29 * pixels[i + 2]!) >> 8;
      out[i] = luma;
      out[i + 1] = luma;
      out[i + 2] = luma;
      out[i + 3] = pixels[i + 3]!;
    }
  }
}

/** Brightness and contrast by a table of the 256 values. */
export function adjustSerial(pixels: Uint8Array, out: Uint8Array, table: Uint8Array): void {
  for (let i = 0; i < pixels.length; i += 4) {
    out[i] = table[pixels[i]!]!;
    out[i + 1] = table[pixels[i + 1]!]!;
    out[i + 2] = table[pixels[i + 2]!]!;
    out[i + 3] = pixels[i + 3]!;
  }
}

/** A function of a pixel as a user has one, the pixel as one number 0xAABBGGRR: inverts a picture and swaps red and blue. */
export function invertSwapped(rgba: number): number {
  const [red, green, blue] = [rgba & 255, (rgba >>> 8) & 255, (rgba >>> 16) & 255];
  return ((rgba & 0xff00_0000) | ((255 - red) << 16) | ((255 - green) << 8) | (255 - blue)) >>> 0;
}

/** Sums of columns from row to row, and a window that slides over them. */
export function blurSerial(pixels: Uint8Array, out: Uint8Array, radius: number): void {
  const stride = WIDTH * 4;
  const columns = new Uint32Array(stride);
  const area = (2 * radius + 1) ** 2;
  const clampRow = (y: number): number => Math.min(Math.max(y, 0), HEIGHT - 1) * stride;
  for (let y = -radius; y <= radius; y++) {
    for (let x = 0, row = clampRow(y); x < stride; x++) columns[x] = columns[x]! + pixels[row + x]!;
  }
  for (let y = 0; y < HEIGHT; y++) {
    for (let c = 0; c < 4; c++) {
      const end = stride - 4 + c;
      let sum = 0;
      for (let x = -radius; x <= radius; x++) sum += columns[Math.min(Math.max(x * 4 + c, c), end)]!;
      for (let x = c, w = y * stride + c; x < stride; x += 4, w += 4) {
        out[w] = Math.trunc((sum + (area >> 1)) / area);
        const enters = x + 4 * (radius + 1);
        const leaves = x - 4 * radius;
        sum += columns[enters > end ? end : enters]! - columns[leaves < c ? c : leaves]!;
      }
    }
    const enters = clampRow(y + radius + 1);
    const leaves = clampRow(y - radius);
    for (let x = 0; x < stride; x++) columns[x] = columns[x]! + pixels[enters + x]! - pixels[leaves + x]!;
  }
}
