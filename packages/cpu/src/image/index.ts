export { adjust, boxBlur, createImage, grayscale, mapPixels, type RgbaImage } from './image.ts';
