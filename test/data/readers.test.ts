import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { CATALOGUE, CIFAR10_FILES } from '../../src/main/data/catalogue.ts';
import { DataError } from '../../src/main/data/dataError.ts';
import { loadDataset, type Dataset } from '../../src/main/data/loadDataset.ts';
import { prepareTransfer } from '../../src/main/data/transfer.ts';

const SETS = fileURLToPath(new URL('../fixtures/data/sets', import.meta.url));
const BUNDLED = fileURLToPath(new URL('../../resources/images', import.meta.url));
type Name = 'cifar10' | 'stl10' | 'svhn';
interface Part {
  readonly count: number;
  readonly labels: readonly number[];
  readonly images: string;
}
const EXPECTED = JSON.parse(readFileSync(path.join(SETS, 'expected.json'), 'utf8')) as Record<
  Name,
  { readonly train: Part; readonly test: Part }
>;
const COUNTS = Object.fromEntries(
  Object.entries(EXPECTED).map(([name, { train, test }]) => [name, { train: train.count, test: test.count }]),
);

const scratch = mkdtempSync(path.join(tmpdir(), 'readers-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const load = (name: Name, folder: string): Dataset =>
  loadDataset(name, {
    whereabouts: { environment: {}, bundledFolder: scratch, fullFolders: [folder] },
    counts: COUNTS,
    cacheFolder: null,
  });
const fixture = (folder: string): string => path.join(SETS, folder);
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const told = ({ images, labels }: Dataset['train']): Part => ({
  count: labels.length,
  labels: [...labels],
  images: sha256(images),
});

/** A copy of a fixture with a file changed. */
function changed(folder: string, file: string, change: (bytes: Buffer) => Uint8Array): string {
  const copy = path.join(scratch, 'changed');
  rmSync(copy, { recursive: true, force: true });
  cpSync(fixture(folder), copy, { recursive: true });
  writeFileSync(path.join(copy, file), change(readFileSync(path.join(copy, file))));
  return copy;
}

function refusalOf(body: () => unknown): DataError {
  try {
    body();
  } catch (error) {
    if (error instanceof DataError) return error;
    throw error;
  }
  throw new Error('expected a refusal');
}

describe('a set as it is distributed', () => {
  it.each<[Name, string]>([
    ['cifar10', 'cifar10'],
    ['cifar10', 'cifar10-gnu'],
    ['cifar10', 'cifar10-pax'],
    ['cifar10', 'cifar10-plain'],
    ['stl10', 'stl10'],
    ['svhn', 'svhn'],
    ['svhn', 'svhn-plain'],
    ['svhn', 'svhn-swapped'],
  ])('%s in the form %s holds what numpy and Pillow put into it', (name, folder) => {
    const set = load(name, fixture(folder));
    expect({ train: told(set.train), test: told(set.test) }).toEqual(EXPECTED[name]);
    expect(set.shape).toEqual(CATALOGUE[name].shape);
    expect(set.classes).toHaveLength(10);
  });

  it('has the same fingerprint however it is packed, and another one for every other content', () => {
    const fingerprint = (name: Name, folder: string): string => load(name, fixture(folder)).fingerprint;
    expect(fingerprint('cifar10', 'cifar10-plain')).toBe(fingerprint('cifar10', 'cifar10'));
    expect(fingerprint('cifar10', 'cifar10-pax')).toBe(fingerprint('cifar10', 'cifar10'));
    expect(fingerprint('svhn', 'svhn-plain')).toBe(fingerprint('svhn', 'svhn'));
    expect(fingerprint('svhn', 'svhn-swapped')).toBe(fingerprint('svhn', 'svhn'));
    const other = changed('cifar10-plain', 'cifar-10-batches-bin/test_batch.bin', (bytes) => {
      bytes[1] ^= 1;
      return bytes;
    });
    expect(load('cifar10', other).fingerprint).not.toBe(fingerprint('cifar10', 'cifar10'));
  });

  it('serves the transfers of the paper', () => {
    const shapes = (source: Name, target: Name | 'mnist') => {
      const of = (dataset: Name | 'mnist') => ({ dataset, trainingInstances: null });
      const whereabouts = { environment: {}, bundledFolder: BUNDLED, fullFolders: [fixture(source), fixture(target)] };
      const request = { source: of(source), target: { ...of(target), size: 'source' as const }, seed: 1 };
      const transfer = prepareTransfer(request, { whereabouts, counts: COUNTS, cacheFolder: null });
      return [transfer.source.train.shape, transfer.target.train.shape];
    };
    const grey = { height: 32, width: 32, channels: 1 };
    const colour = { height: 32, width: 32, channels: 3 };
    expect(shapes('svhn', 'mnist')).toEqual([grey, grey]);
    expect(shapes('cifar10', 'stl10')).toEqual([colour, colour]);
  });
});

describe('a damaged set is refused with file, place and cure', () => {
  const cases: [what: string, Name, folder: string, file: string, (bytes: Buffer) => Uint8Array, RegExp][] = [
    [
      'an archive that is cut off',
      'cifar10',
      'cifar10',
      'cifar-10-binary.tar.gz',
      (b) => b.subarray(0, b.length - 40),
      /whose end is missing/,
    ],
    [
      'an archive with a broken checksum',
      'stl10',
      'stl10',
      'stl10_binary.tar.gz',
      (b) => ((b[100] ^= 4), b),
      /unpacking|checksum|contents|bytes left|archive/,
    ],
    [
      'a batch with a byte too few',
      'cifar10',
      'cifar10-plain',
      'cifar-10-batches-bin/data_batch_3.bin',
      (b) => b.subarray(0, -1),
      /bytes left: got 3072, expected 3073/,
    ],
    [
      'a batch with a byte too many',
      'cifar10',
      'cifar10-plain',
      'cifar-10-batches-bin/data_batch_3.bin',
      (b) => Buffer.concat([b, Buffer.of(0)]),
      /byte 6146.*got more bytes, expected the end/,
    ],
    [
      'a label that is no class',
      'cifar10',
      'cifar10-plain',
      'cifar-10-batches-bin/data_batch_1.bin',
      (b) => ((b[3073] = 10), b),
      /byte 3073.*label.*got 10, expected 0 to 9/,
    ],
    [
      'a file that is no .mat',
      'svhn',
      'svhn',
      'train_32x32.mat',
      (b) => b.fill(0),
      /byte 124.*expected MATLAB level 5/,
    ],
    [
      'a label 11',
      'svhn',
      'svhn-plain',
      'test_32x32.mat',
      (b) => (b.writeDoubleLE(11, b.indexOf(Buffer.from('00000000000018400000000000001c40', 'hex'))), b),
      /byte 0.*label of image 0: got 11, expected 1 to 10/,
    ],
    ['an empty file', 'svhn', 'svhn', 'test_32x32.mat', () => Buffer.alloc(0), /bytes left: got 0/],
  ];
  it.each(cases)('%s', (_, name, folder, file, change, message) => {
    const copy = changed(folder, file, change);
    const error = refusalOf(() => load(name, copy));
    expect(error.message).toMatch(message);
    expect(error.file).toBe(path.join(copy, file));
    expect(error.offset).not.toBeNull();
  });

  it('an archive without one of its files', () => {
    const copy = path.join(scratch, 'lacking');
    mkdirSync(copy, { recursive: true });
    writeFileSync(path.join(copy, 'cifar-10-binary.tar.gz'), gzipSync(Buffer.alloc(1024)));
    expect(refusalOf(() => load('cifar10', copy)).message).toMatch(
      new RegExp(`none called ${CIFAR10_FILES.join(', ')}`),
    );
  });

  it('sets of other counts than the catalogue says', () => {
    const whereabouts = { environment: {}, bundledFolder: scratch, fullFolders: [fixture('svhn')] };
    expect(refusalOf(() => loadDataset('svhn', { whereabouts, cacheFolder: null })).message).toMatch(
      /shape: got 32 × 32 × 3 × 6 of uint8, expected 32 × 32 × 3 × 73257/,
    );
  });

  it('a gzip bomb is unpacked no further than what is asked for', () => {
    const copy = path.join(scratch, 'bomb');
    mkdirSync(copy, { recursive: true });
    writeFileSync(path.join(copy, 'stl10_binary.tar.gz'), gzipSync(Buffer.alloc(1 << 28, 1)));
    const before = process.memoryUsage().rss;
    expect(refusalOf(() => load('stl10', copy)).message).toMatch(/checksum of a header/);
    expect(process.memoryUsage().rss - before).toBeLessThan(200 << 20);
  });
});

describe('decoded arrays', () => {
  const cacheFolder = path.join(scratch, 'decoded');
  const folder = path.join(scratch, 'cached');
  const loadCached = (): Dataset => {
    const whereabouts = { environment: {}, bundledFolder: scratch, fullFolders: [folder] };
    return loadDataset('svhn', { whereabouts, counts: COUNTS, cacheFolder });
  };
  const kept = (): string[] => readdirSync(cacheFolder);

  it('are kept, and read instead of the files', () => {
    cpSync(fixture('svhn'), folder, { recursive: true });
    const first = loadCached();
    expect(kept()).toHaveLength(1);
    const modified = statSync(path.join(cacheFolder, kept()[0])).mtimeMs;
    expect(loadCached()).toEqual(first);
    expect(statSync(path.join(cacheFolder, kept()[0])).mtimeMs).toBe(modified);
  });

  it.each<[string, (bytes: Buffer) => Uint8Array]>([
    ['of which a byte has changed', (bytes) => ((bytes[bytes.length - 9] ^= 1), bytes)],
    ['that are cut off', (bytes) => bytes.subarray(0, 2000)],
    ['that are empty', () => Buffer.alloc(0)],
    ['whose header is another file’s', () => Buffer.alloc(5000, 0x7b)],
  ])('%s are not believed, and made anew', (_, change) => {
    const file = path.join(cacheFolder, kept()[0]);
    const whole = readFileSync(file);
    writeFileSync(file, change(Buffer.from(whole)));
    expect(told(loadCached().train)).toEqual(EXPECTED.svhn.train);
    expect(readFileSync(file)).toEqual(whole);
  });

  it('of files that were replaced are not believed, and go', () => {
    const before = kept();
    cpSync(path.join(fixture('svhn-plain'), 'test_32x32.mat'), path.join(folder, 'test_32x32.mat'));
    writeFileSync(path.join(folder, 'train_32x32.mat'), 'no longer a set');
    expect(() => loadCached()).toThrow(DataError);
    cpSync(path.join(fixture('svhn-plain'), 'train_32x32.mat'), path.join(folder, 'train_32x32.mat'));
    expect(told(loadCached().test)).toEqual(EXPECTED.svhn.test);
    expect(kept()).toHaveLength(1);
    expect(kept()).not.toEqual(before);
  });

  it('are done without where they cannot be kept', () => {
    const whereabouts = { environment: {}, bundledFolder: scratch, fullFolders: [fixture('svhn')] };
    const set = loadDataset('svhn', {
      whereabouts,
      counts: COUNTS,
      cacheFolder: path.join(folder, 'train_32x32.mat', 'x'),
    });
    expect(told(set.train)).toEqual(EXPECTED.svhn.train);
  });
});
