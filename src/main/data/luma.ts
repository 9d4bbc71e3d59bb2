/** Weights of ITU-R 601 luma, times 2^16; they add up to it. */
const [RED, GREEN, BLUE] = [19_595, 38_470, 7_471];
const HALF = 2 ** 15;

/** Luma of a pixel, 0.299 R + 0.587 G + 0.114 B rounded to the nearest level, as Pillow computes it (METHOD.md §5). */
export const luma = (red: number, green: number, blue: number): number =>
  (RED * red + GREEN * green + BLUE * blue + HALF) >> 16;
