import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync, deflateSync, inflateSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { CATALOGUE, CIFAR10_FILES, STL10_FILES, type DatasetEntry } from '../../src/main/data/catalogue.ts';
import { DataError } from '../../src/main/data/dataError.ts';
import { decodeIdx } from '../../src/main/data/idx.ts';
import { readCifar10 } from '../../src/main/data/readers/cifar10.ts';
import type { FilesOfSet, SetContents } from '../../src/main/data/readers/contents.ts';
import { readStl10 } from '../../src/main/data/readers/stl10.ts';
import { readSvhn } from '../../src/main/data/readers/svhn.ts';

/** More on demand: FUZZ_MUTANTS=1000000 npx vitest run test/data */
const MUTANTS = Number(process.env['FUZZ_MUTANTS'] ?? 20_000);
const FIXTURES = fileURLToPath(new URL('../fixtures/data', import.meta.url));
const scratch = mkdtempSync(path.join(tmpdir(), 'data-fuzz-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const fixture = (...names: string[]): Buffer => readFileSync(path.join(FIXTURES, ...names));

/** A xorshift of 32 bits: the same mutants in every run. */
function numbers(seed: number): (below: number) => number {
  let state = seed | 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** One to four changes: flips and new bytes, mostly near the beginning, where structure is; cuts, insertions and numbers that lie. */
function mutated(original: Uint8Array, random: (below: number) => number): Buffer {
  let bytes = Buffer.from(original);
  for (let change = 1 + random(4); change > 0 && bytes.length > 0; change--) {
    const at = random(random(2) === 0 ? Math.min(bytes.length, 1024) : bytes.length);
    const kind = random(6);
    if (kind === 0) bytes[at] ^= 1 << random(8);
    else if (kind === 1) bytes[at] = random(256);
    else if (kind === 2) bytes = bytes.subarray(0, at);
    else if (kind === 3)
      bytes = Buffer.concat([bytes.subarray(0, at), Buffer.alloc(1 + random(600), random(256)), bytes.subarray(at)]);
    else if (kind === 4) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random(600))]);
    else if (at + 4 <= bytes.length)
      bytes.writeUInt32LE([0, 1, 0x7fffffff, 0xffffffff, random(1 << 30)][random(5)], at);
  }
  return bytes;
}

/** Reads every mutant: what comes of it is contents of the right sizes, or an error that names the file and a place in it. */
function fuzz(
  seed: number,
  {
    original,
    wrap = (bytes) => bytes,
    read,
    file,
  }: {
    readonly original: Uint8Array;
    /** From what is mutated to what lies in the file. */
    readonly wrap?: (bytes: Buffer) => Uint8Array;
    readonly read: (bytes: Uint8Array) => void;
    readonly file: string;
  },
): { read: number; longest: number } {
  const random = numbers(seed);
  let whole = 0;
  let longest = 0;
  for (let m = 0; m < MUTANTS / 2; m++) {
    for (const bytes of [wrap(mutated(original, random)), mutated(wrap(Buffer.from(original)), random)]) {
      const started = performance.now();
      try {
        read(bytes);
        whole++;
      } catch (error) {
        if (!(error instanceof DataError)) throw new Error(`mutant ${m} of seed ${seed}`, { cause: error });
        expect(error.file).toBe(file);
        expect(error.offset, error.message).not.toBeNull();
      }
      longest = Math.max(longest, performance.now() - started);
    }
  }
  return { read: whole, longest };
}

/** Of a set of few images, one of whose files is what is read. */
function setOf(
  name: DatasetEntry['name'],
  counts: FilesOfSet['counts'],
  files: Readonly<Record<string, string>>,
): FilesOfSet {
  return { entry: CATALOGUE[name], origin: 'full', counts, files };
}

function readingOf(
  set: FilesOfSet,
  file: string,
  reader: (set: FilesOfSet) => SetContents,
): (bytes: Uint8Array) => void {
  return (bytes) => {
    writeFileSync(file, bytes);
    const { train, test } = reader(set);
    const { height, width, channels } = set.entry.shape;
    expect([train.labels.length, test.labels.length]).toEqual([set.counts.train, set.counts.test]);
    expect(train.images.length).toBe(set.counts.train * height * width * channels);
    if ([...train.labels, ...test.labels].some((label) => label > 9)) throw new Error('a label that is no class');
  };
}

function scratchFile(name: string, contents?: Uint8Array): string {
  const file = path.join(scratch, name);
  if (contents !== undefined) writeFileSync(file, contents);
  return file;
}

const stored = (bytes: Buffer): Uint8Array => gzipSync(bytes, { level: 0 });

describe(
  `${MUTANTS} mutants of each format are read whole or refused with file and place`,
  { timeout: 120_000 + 6 * MUTANTS },
  () => {
    it('tar.gz, as CIFAR-10 comes', () => {
      const original = gunzipSync(fixture('sets', 'cifar10-few', 'cifar-10-binary.tar.gz'));
      const file = scratchFile('cifar.tar.gz');
      const read = readingOf(setOf('cifar10', { train: 5, test: 1 }, { archive: file }), file, readCifar10);
      const { read: whole, longest } = fuzz(1, { original, wrap: stored, read, file });
      expect(whole).toBeGreaterThan(MUTANTS / 100);
      expect(whole).toBeLessThan(MUTANTS / 2);
      expect(longest).toBeLessThan(2000);
    });

    it('CIFAR-10 batches', () => {
      const folder = ['sets', 'cifar10-plain', 'cifar-10-batches-bin'];
      const files = Object.fromEntries(CIFAR10_FILES.map((name) => [name, path.join(FIXTURES, ...folder, name)]));
      const file = scratchFile('batch.bin');
      const set = setOf('cifar10', { train: 10, test: 3 }, { ...files, 'data_batch_1.bin': file });
      const original = fixture(...folder, 'data_batch_1.bin');
      const { read: whole, longest } = fuzz(2, { original, read: readingOf(set, file, readCifar10), file });
      expect(whole).toBeGreaterThan(MUTANTS / 100);
      expect(longest).toBeLessThan(2000);
    });

    it('STL-10 images', () => {
      const archive = gunzipSync(fixture('sets', 'stl10', 'stl10_binary.tar.gz'));
      const image = archive.subarray(4096, 4096 + 27_648);
      const files = Object.fromEntries(
        STL10_FILES.map((name) => [name, scratchFile(name, name.endsWith('_X.bin') ? image : Buffer.of(7))]),
      );
      const set = setOf('stl10', { train: 1, test: 1 }, files);
      const file = files['train_X.bin'];
      const { read: whole, longest } = fuzz(3, { original: image, read: readingOf(set, file, readStl10), file });
      expect(whole).toBeGreaterThan(MUTANTS / 100);
      expect(longest).toBeLessThan(2000);
    });

    it.each([
      ['SVHN, plain arrays', 'svhn-plain', 4],
      ['SVHN, compressed arrays', 'svhn', 5],
    ])('%s', (_, folder, seed) => {
      const test = path.join(FIXTURES, 'sets', folder, 'test_32x32.mat');
      const file = scratchFile(`${folder}.mat`);
      const set = setOf('svhn', { train: 4, test: 4 }, { train: file, test });
      const original = readFileSync(test);
      const wrap = folder === 'svhn' ? repacked : undefined;
      const unpacked = folder === 'svhn' ? elementsOf(original) : original;
      const { read: whole, longest } = fuzz(seed, {
        original: unpacked,
        ...(wrap === undefined ? {} : { wrap }),
        read: readingOf(set, file, readSvhn),
        file,
      });
      expect(whole).toBeGreaterThan(MUTANTS / 100);
      expect(whole).toBeLessThan(0.9 * MUTANTS);
      expect(longest).toBeLessThan(2000);
    });

    it.each(['images.idx', 'images.idx.gz'])('IDX: %s', (name) => {
      const packed = fixture(name);
      const original = name.endsWith('.gz') ? gunzipSync(packed) : packed;
      const wrap = name.endsWith('.gz') ? stored : (bytes: Buffer): Uint8Array => bytes;
      const read = (bytes: Uint8Array): void => {
        const { array } = decodeIdx(bytes, 'images', { rank: 3, maxBytes: 1 << 16 });
        expect(array.values.length).toBe(array.dimensions.reduce((product, n) => product * n, 1));
      };
      const { read: whole, longest } = fuzz(6, { original, wrap, read, file: 'images' });
      expect(whole).toBeGreaterThan(MUTANTS / 100);
      expect(longest).toBeLessThan(2000);
    });
  },
);

/** Header and the elements of a compressed file, unpacked, one behind the other: what `repacked` packs again. */
function elementsOf(file: Buffer): Buffer {
  const parts = [file.subarray(0, 128)];
  for (let at = 128; at < file.length; at += 8 + file.readUInt32LE(at + 4)) {
    parts.push(inflateSync(file.subarray(at + 8, at + 8 + file.readUInt32LE(at + 4))));
  }
  return Buffer.concat(parts);
}

/** Each element that the tags say there is, however long they say, compressed on its own. */
function repacked(bytes: Buffer): Uint8Array {
  const parts: Uint8Array[] = [bytes.subarray(0, 128)];
  for (let at = 128; at < bytes.length;) {
    const size = at + 8 <= bytes.length ? bytes.readUInt32LE(at + 4) : 0;
    const end = Math.min(bytes.length, at + 8 + Math.min(size, bytes.length));
    const packed = deflateSync(bytes.subarray(at, end), { level: 0 });
    const tag = Buffer.alloc(8);
    tag.writeUInt32LE(15);
    tag.writeUInt32LE(packed.length, 4);
    parts.push(tag, packed);
    at = end;
  }
  return Buffer.concat(parts);
}
