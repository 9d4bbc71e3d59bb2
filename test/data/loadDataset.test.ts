import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CATALOGUE, IDX_FILE_KEYS, IDX_FILES } from '../../src/main/data/catalogue.ts';
import {
  dataFolder,
  findFiles,
  originFromEnvironment,
  whereabouts,
  type Whereabouts,
} from '../../src/main/data/dataFolders.ts';
import { loadDataset } from '../../src/main/data/loadDataset.ts';
import { DATASET_NAMES } from '../../src/shared/config.ts';
import { refusalOf } from './refusal.ts';

const BUNDLED = path.join(import.meta.dirname, '../../resources/images');
const BUNDLED_NAMES = DATASET_NAMES.filter((name) => CATALOGUE[name].bundled !== null);
let scratch = '';
let places: Whereabouts;
let full = '';
beforeAll(() => {
  scratch = mkdtempSync(path.join(tmpdir(), 'data-'));
  cpSync(BUNDLED, path.join(scratch, 'bundled'), { recursive: true });
  full = path.join(scratch, 'full');
  places = { environment: {}, bundledFolder: path.join(scratch, 'bundled'), fullFolders: [full] };
});
afterAll(() => {
  rmSync(scratch, { recursive: true });
});

function idx(dimensions: readonly number[], values: Uint8Array): Buffer {
  const words = Buffer.alloc(4 * dimensions.length);
  dimensions.forEach((n, axis) => words.writeUInt32BE(n, 4 * axis));
  return Buffer.concat([Buffer.from([0, 0, 8, dimensions.length]), words, values]);
}

/** A whole set of the right size with images of zeros; `change` may replace a file. */
function withFullSet<T>(body: () => T, change: (name: string, contents: Buffer) => Buffer | null = (_, c) => c): T {
  const sizes = {
    trainImages: [60_000, 28, 28],
    trainLabels: [60_000],
    testImages: [10_000, 28, 28],
    testLabels: [10_000],
  };
  cpSync(path.join(BUNDLED, 'mnist', 'README.md'), path.join(full, 'README.md'));
  for (const key of IDX_FILE_KEYS) {
    const values = new Uint8Array(sizes[key].reduce((a, b) => a * b)).fill(key.endsWith('Labels') ? 9 : 0);
    const contents = change(key, idx(sizes[key], values));
    if (contents !== null) writeFileSync(path.join(full, IDX_FILES[key]), contents);
  }
  try {
    return body();
  } finally {
    rmSync(full, { recursive: true });
  }
}

describe('bundled sets', () => {
  test.each(BUNDLED_NAMES)('%s has 600 and 100 images of each class and the catalogue’s shape', (name) => {
    const set = loadDataset(name, { origin: 'bundled' });
    expect(set.origin).toBe('bundled');
    expect(set.shape).toEqual({ height: 28, width: 28, channels: 1 });
    expect(set.classes).toHaveLength(10);
    for (const [part, perClass] of [[set.train, 600] as const, [set.test, 100] as const]) {
      const counts = set.classes.map((_, k) => part.labels.filter((label) => label === k).length);
      expect(counts).toEqual(new Array(10).fill(perClass));
      expect(part.images).toHaveLength(perClass * 10 * 784);
    }
  });

  test.each(BUNDLED_NAMES)('no image of %s occurs twice, in one part or across both', (name) => {
    const { train, test } = loadDataset(name, { origin: 'bundled' });
    const seen = new Set<string>();
    for (const { images } of [train, test]) {
      for (let at = 0; at < images.length; at += 784) {
        seen.add(
          createHash('sha256')
            .update(images.subarray(at, at + 784))
            .digest('hex'),
        );
      }
    }
    expect(seen.size).toBe(7_000);
  });

  test('use the whole range of intensities', () => {
    for (const name of BUNDLED_NAMES) {
      const { images } = loadDataset(name, { origin: 'bundled' }).train;
      const present = new Set(images);
      expect([present.has(0), present.has(255), present.size > 200]).toEqual([true, true, true]);
    }
  });

  test.each(IDX_FILE_KEYS)('a flipped bit in %s is refused with the cure', (key) => {
    const file = path.join(places.bundledFolder, 'mnist', `${IDX_FILES[key]}.gz`);
    const sound = readFileSync(file);
    const damaged = Buffer.from(sound);
    damaged[damaged.length >> 1] ^= 1;
    writeFileSync(file, damaged);
    const error = refusalOf(() => loadDataset('mnist', { origin: 'bundled', whereabouts: places }));
    writeFileSync(file, sound);
    expect(error.file).toBe(file);
    expect(error.message).toContain(CATALOGUE.mnist.bundled!.files[key].sha256);
    expect(error.cure).toMatch(/install it again/);
  });

  test('a missing file is refused by name', () => {
    const error = refusalOf(() =>
      loadDataset('mnist', { origin: 'bundled', whereabouts: { ...places, bundledFolder: full } }),
    );
    expect(error.file).toBe(path.join(full, 'mnist', 'train-images-idx3-ubyte.gz'));
    expect(error.got).toBe('ENOENT');
  });

  test('the fingerprints are those of the files’ contents', () => {
    const folder = path.join(BUNDLED, 'mnist');
    const sha256 = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');
    const lines = IDX_FILE_KEYS.map(
      (key) => `${key} ${sha256(gunzipSync(readFileSync(path.join(folder, `${IDX_FILES[key]}.gz`))))}\n`,
    );
    expect(loadDataset('mnist', { origin: 'bundled' }).fingerprint).toBe(sha256(lines.join('')));
    expect(loadDataset('fashion-mnist', { origin: 'bundled' }).fingerprint).not.toBe(sha256(lines.join('')));
  });
});

describe('full sets', () => {
  test('are taken where present, and passed over on request', () => {
    withFullSet(() => {
      const set = loadDataset('mnist', { whereabouts: places });
      expect([set.origin, set.train.labels.length, set.test.labels.length]).toEqual(['full', 60_000, 10_000]);
      expect(loadDataset('mnist', { whereabouts: { ...places, environment: { PTW_DATA: 'bundled' } } }).origin).toBe(
        'bundled',
      );
      expect(loadDataset('mnist', { whereabouts: places, origin: 'bundled' }).origin).toBe('bundled');
    });
    expect(loadDataset('mnist', { whereabouts: places }).origin).toBe('bundled');
  });

  test('have the same fingerprint plain and packed', () => {
    const plain = withFullSet(() => loadDataset('mnist', { whereabouts: places }).fingerprint);
    const packed = withFullSet(
      () => loadDataset('mnist', { whereabouts: places }).fingerprint,
      (_, contents) => gzipSync(contents, { level: 1 }),
    );
    expect(packed).toBe(plain);
  });

  test('a label that is no class is refused at its byte', () => {
    const error = withFullSet(
      () => refusalOf(() => loadDataset('mnist', { whereabouts: places })),
      (key, contents) => {
        if (key === 'testLabels') contents[8 + 123] = 10;
        return contents;
      },
    );
    expect([error.offset, error.got, error.expected]).toEqual([131, 10, '0 to 9']);
    expect(error.file).toBe(path.join(full, 't10k-labels-idx1-ubyte'));
  });

  test('labels and images that do not agree in number are refused', () => {
    const error = withFullSet(
      () => refusalOf(() => loadDataset('mnist', { whereabouts: places })),
      (key, contents) => (key === 'trainLabels' ? idx([59_999], new Uint8Array(59_999)) : contents),
    );
    expect([error.offset, error.got, error.expected]).toEqual([4, '59999', '60000']);
  });

  test('images of another size are refused', () => {
    const error = withFullSet(
      () => refusalOf(() => loadDataset('mnist', { whereabouts: places })),
      (key, contents) => (key === 'testImages' ? idx([10_000, 28, 14], new Uint8Array(10_000 * 28 * 14)) : contents),
    );
    expect([error.offset, error.got, error.expected]).toEqual([12, '10000 × 28 × 14', '10000 × 28 × 28']);
  });

  test('a folder with only some of the files is refused, not passed over', () => {
    const error = withFullSet(
      () => refusalOf(() => loadDataset('mnist', { whereabouts: places })),
      (key, contents) => (key === 'testLabels' ? null : contents),
    );
    expect(error.file).toBe(path.join(full, 't10k-labels-idx1-ubyte'));
    expect(error.message).toContain('3 of 4');
  });

  test('an absent full set is refused when it is asked for', () => {
    const error = refusalOf(() => loadDataset('mnist', { origin: 'full', whereabouts: places }));
    expect(error.message).toContain(full);
  });
});

describe('sets that do not come with the program', () => {
  test('those of the MNIST family are read where their files are', () => {
    withFullSet(() => {
      const set = loadDataset('kmnist', { whereabouts: places });
      expect([set.origin, set.train.labels.length, set.classes[9]]).toEqual(['full', 60_000, 'を (wo)']);
    });
  });

  test.each([
    ['auto', /full kmnist.*none of .*expected train-images-idx3-ubyte/],
    ['full', /full kmnist.*none of /],
    ['bundled', /bundled kmnist.*got none.*unset PTW_DATA/],
  ] as const)('a missing one is refused with where to put it, choice %s', (origin, message) => {
    const error = refusalOf(() => loadDataset('kmnist', { origin, whereabouts: places }));
    expect(error.message).toMatch(message);
    expect(error.message).toContain(full);
    expect(error.cure).not.toContain('use the bundled set');
  });

  test.each(['svhn', 'cifar10', 'stl10'] as const)('a missing %s names its files', (name) => {
    const error = refusalOf(() => loadDataset(name, { whereabouts: places }));
    expect(error.message).toContain(CATALOGUE[name].files);
  });
});

describe('where data lies', () => {
  test('PTW_DATA_DIR goes before XDG_DATA_HOME, and a relative XDG_DATA_HOME is ignored', () => {
    const chosen = path.resolve('/chosen');
    expect(dataFolder({ PTW_DATA_DIR: chosen, XDG_DATA_HOME: '/xdg' })).toBe(chosen);
    if (process.platform !== 'linux') return;
    expect(dataFolder({ XDG_DATA_HOME: '/xdg' })).toBe('/xdg/provable-transfer-workbench/data');
    expect(dataFolder({ XDG_DATA_HOME: 'xdg' })).toMatch(/^\/.*\.local\/share\/provable-transfer-workbench\/data$/);
  });

  test('the user’s folder is searched before a system package’s', () => {
    const { fullFolders } = whereabouts('fashion-mnist', { PTW_DATA_DIR: '/chosen' });
    expect(fullFolders[0]).toBe(path.join(path.resolve('/chosen'), 'fashion-mnist'));
    expect(fullFolders).toContain('/usr/share/datasets/fashion-mnist');
  });

  test('the packed form is taken where both are present', () => {
    withFullSet(() => {
      cpSync(path.join(BUNDLED, 'mnist', 't10k-labels-idx1-ubyte.gz'), path.join(full, 't10k-labels-idx1-ubyte.gz'));
      expect(findFiles('mnist', 'auto', places).files['testLabels']).toBe(path.join(full, 't10k-labels-idx1-ubyte.gz'));
    });
  });

  test('an unknown word in PTW_DATA is refused', () => {
    expect(originFromEnvironment({})).toBe('auto');
    expect(originFromEnvironment({ PTW_DATA: 'full' })).toBe('full');
    expect(refusalOf(() => originFromEnvironment({ PTW_DATA: 'Full' })).expected).toBe('auto, bundled, full');
  });
});
