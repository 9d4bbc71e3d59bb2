import { cpSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { folderFacts, loadImageFolder } from '../../../src/main/data/imageFolder/loadImageFolder.ts';
import { decodeImage } from '../../../src/main/data/images/decodeImage.ts';
import { resizeArea } from '../../../src/main/data/resize.ts';
import { EXPECTED, imageBytes } from '../images/fixtures.ts';
import { refusalOf } from '../refusal.ts';
import { emptyRoot, fabricateFolder, patchImage, pngFile, writeTree } from './fabricate.ts';

const SHAPE = { height: 6, width: 5, channels: 1 } as const;
const PLAN = { ...SHAPE, classes: ['cat', 'dog', 'owl'], train: 3, test: 2 };
const grey = (label: number, image: number, shape: { height?: number; channels?: 1 | 3 } = {}): Uint8Array =>
  pngFile(patchImage(label, image, { ...SHAPE, ...shape }));

/** A folder spoiled by `spoil`, and the file that its refusal names. */
interface Spoiled {
  readonly what: string;
  readonly spoil: (root: string) => void;
  readonly file: string;
  readonly sentence: RegExp;
}
const write = (root: string, name: string, contents: Uint8Array | string): unknown =>
  writeTree({ [name]: contents }, root);

const SPOILED: readonly Spoiled[] = [
  {
    what: 'no folder',
    spoil: (root) => rmSync(root, { recursive: true }),
    file: '',
    sentence: /folder: got none, expected <folder>\/train\|test\/<class>/,
  },
  {
    what: 'no split',
    spoil: (root) => rmSync(path.join(root, 'test'), { recursive: true }),
    file: 'test',
    sentence: /split "test": got none/,
  },
  {
    what: 'a class that only train has',
    spoil: (root) => write(root, 'train/yak/1.png', grey(0, 0)),
    file: 'test/yak',
    sentence: /class folder "yak": got none in test/,
  },
  {
    what: 'a class that only test has',
    spoil: (root) => write(root, 'test/ant/1.png', grey(0, 0)),
    file: 'train/ant',
    sentence: /class folder "ant": got none in train/,
  },
  {
    what: 'one class',
    spoil: (root) => {
      for (const part of ['train', 'test'])
        for (const name of ['dog', 'owl']) rmSync(path.join(root, part, name), { recursive: true });
    },
    file: 'train',
    sentence: /class folders: got 1, expected 2 to 65536/,
  },
  {
    what: 'an empty class',
    spoil: (root) => {
      rmSync(path.join(root, 'test/dog'), { recursive: true });
      mkdirSync(path.join(root, 'test/dog'));
    },
    file: 'test/dog',
    sentence: /images of a class: got none/,
  },
  {
    what: 'a file beside the classes',
    spoil: (root) => write(root, 'train/1.png', grey(0, 0)),
    file: 'train/1.png',
    sentence: /entry of train: got a file/,
  },
  {
    what: 'a folder within a class',
    spoil: (root) => write(root, 'train/cat/more/1.png', grey(0, 0)),
    file: 'train/cat/more',
    sentence: /entry of a class folder: got a folder/,
  },
  {
    what: 'a file that is no image by its name',
    spoil: (root) => write(root, 'train/cat/notes.txt', 'x'),
    file: 'train/cat/notes.txt',
    sentence: /got a file named "notes.txt", expected images alone \(.png, .jpg, .jpeg\)/,
  },
  {
    what: 'a file that is no image by its contents',
    spoil: (root) => write(root, 'test/owl/0000.png', 'x'),
    file: 'test/owl/0000.png',
    sentence: /first bytes: got 78, expected those of a PNG or JPEG file/,
  },
  {
    what: 'a link out of the folder',
    spoil: (root) => {
      const outside = path.join(writeTree({ 'secret.png': grey(0, 0) }), 'secret.png');
      symlinkSync(outside, path.join(root, 'train/cat/link.png'));
    },
    file: 'train/cat/link.png',
    sentence: /symbolic link: got one to .*secret.png, expected one that stays within/,
  },
  {
    what: 'a class that is a link out of the folder',
    spoil: (root) => symlinkSync(emptyRoot(), path.join(root, 'train/yak')),
    file: 'train/yak',
    sentence: /symbolic link: got one to/,
  },
  {
    what: 'a link to nowhere',
    spoil: (root) => symlinkSync(path.join(root, 'gone.png'), path.join(root, 'train/cat/link.png')),
    file: 'train/cat/link.png',
    sentence: /symbolic link: got ENOENT/,
  },
  {
    what: 'another size',
    spoil: (root) => write(root, 'test/cat/0001.png', grey(0, 0, { height: 7 })),
    file: 'test/cat/0001.png',
    sentence: /height × width: got 7 × 5, expected 6 × 5 as .*train\/cat\/0000\.png; give "imageSize"/,
  },
  {
    what: 'RGB among grey',
    spoil: (root) => write(root, 'train/owl/0001.png', grey(0, 0, { channels: 3 })),
    file: 'train/owl/0001.png',
    sentence: /colours of the image: got RGB, expected grey as .*train\/cat\/0000\.png; give "channels"/,
  },
  {
    what: 'images that are too small',
    spoil: (root) => write(root, 'train/cat/0000.png', grey(0, 0, { height: 3 })),
    file: 'train/cat/0000.png',
    sentence: /height × width: got 3 × 5, expected at least 4 × 4/,
  },
  {
    what: 'an image too large to decode',
    spoil: (root) => write(root, 'train/dog/0002.png', imageBytes('bomb-dimensions.png')),
    file: 'train/dog/0002.png',
    sentence: /got 2147483647 × 2147483647, expected 1 to 16777216 pixels/,
  },
  {
    what: 'a file too large to read',
    spoil: (root) => writeFileSync(path.join(root, 'train/dog/0002.png'), new Uint8Array(2 ** 26 + 1)),
    file: 'train/dog/0002.png',
    sentence: /image file: got 67108865 bytes, expected a file of at most 67108864 bytes/,
  },
];

describe('a folder is refused, naming the file,', () => {
  test.each(SPOILED)('with $what', ({ spoil, file, sentence }) => {
    const root = fabricateFolder(PLAN);
    spoil(root);
    const error = refusalOf(() => loadImageFolder({ folder: root }));
    expect(error.file).toBe(path.join(root, file));
    expect(error.message).toMatch(sentence);
  });

  test('whose images together are more than memory is for', () => {
    const root = fabricateFolder({ ...PLAN, train: 60, test: 60 });
    const error = refusalOf(() =>
      loadImageFolder({ folder: root, channels: 3, imageSize: { height: 4096, width: 4096 } }),
    );
    expect(error.message).toMatch(
      /bytes of all images: got \d+ \(360 of 4096 × 4096 × 3\), expected at most 4294967296/,
    );
  });
});

describe('a folder of images', () => {
  test('is a set of its class folders, in the order of their code points, with the images in theirs', () => {
    // U+FF5E comes before U+1F600, whose UTF-16 begins with a surrogate; a locale would put "b" before "Z".
    const names = ['Z', 'b', '～', '😀'];
    const root = fabricateFolder({ ...PLAN, classes: names, train: 11, test: 1 });
    renameSync(path.join(root, 'train/b/0003.png'), path.join(root, 'train/b/10.PNG'));
    const set = loadImageFolder({ folder: root });
    expect(set).toMatchObject({ name: path.basename(root), origin: 'folder', classes: names, shape: SHAPE });
    expect([...set.train.labels]).toEqual(names.flatMap((_, label) => new Array<number>(11).fill(label)));
    const order = [0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 3];
    const expected = order.flatMap((image) => [...patchImage(1, image, SHAPE).values]);
    expect([...set.train.images.subarray(11 * 30, 22 * 30)]).toEqual(expected);
    expect(set.test.labels.length).toBe(4);
  });

  test('may have more classes than a byte can tell', () => {
    const classes = Array.from({ length: 300 }, (_, k) => String(k).padStart(3, '0'));
    const { train } = loadImageFolder({ folder: fabricateFolder({ ...PLAN, classes, train: 1, test: 1 }) });
    expect(train.labels[299]).toBe(299);
  });

  test('passes over hidden files, what file managers leave, and all of its root but the splits', () => {
    const root = fabricateFolder(PLAN);
    const { fingerprint } = loadImageFolder({ folder: root });
    writeTree(
      {
        'LICENSE.txt': 'x',
        'validation/cat/1.png': 'x',
        'train/.DS_Store': 'x',
        'train/cat/.hidden.png': 'x',
        'train/cat/Thumbs.db': 'x',
        'test/dog/desktop.ini': 'x',
        'test/__MACOSX/cat': 'x',
      },
      root,
    );
    expect(loadImageFolder({ folder: root }).fingerprint).toBe(fingerprint);
  });

  test('follows links that stay within it, and may be one itself', () => {
    const root = fabricateFolder(PLAN);
    const { fingerprint } = loadImageFolder({ folder: root });
    mkdirSync(path.join(root, 'pool'));
    renameSync(path.join(root, 'train/cat/0001.png'), path.join(root, 'pool/cat.png'));
    symlinkSync(path.join(root, 'pool/cat.png'), path.join(root, 'train/cat/0001.png'));
    const link = path.join(emptyRoot(), 'link');
    symlinkSync(root, link);
    expect(loadImageFolder({ folder: link }).fingerprint).toBe(fingerprint);
  });

  test('reads PNG and JPEG, with Pillow’s pixels', () => {
    const names = ['rgb.png', 'noise.png', 'baseline-420.jpg', 'noise.jpg'];
    const [a, b, c, d] = names.map(imageBytes);
    const tree = { 'train/x/1.png': a, 'train/y/1.png': b, 'test/x/1.jpg': c, 'test/y/1.JPEG': d };
    const { train, test: held } = loadImageFolder({ folder: writeTree(tree) });
    const pixels = [train, held].flatMap(({ images }) => [images.subarray(0, 741), images.subarray(741)]);
    expect(pixels.map((of) => Buffer.from(of).toString('base64'))).toEqual(names.map((name) => EXPECTED[name].pixels));
  });
});

describe('where the config says how images are read', () => {
  const mixed = writeTree({
    'train/x/1.png': imageBytes('rgb.png'),
    'train/y/1.png': imageBytes('grey.png'),
    'test/x/1.png': grey(0, 0),
    'test/y/1.jpg': imageBytes('orientation-6.jpg'),
  });
  const imageSize = { height: 8, width: 12 };

  test('they are converted, then resized by area average to the nearest level', () => {
    const { shape, train } = loadImageFolder({ folder: mixed, channels: 3, imageSize });
    expect(shape).toEqual({ ...imageSize, channels: 3 });
    const image = decodeImage(imageBytes('rgb.png'), 'rgb.png');
    const expected = [...resizeArea(image.values, image, imageSize)].map(Math.round);
    expect([...train.images.subarray(0, 8 * 12 * 3)]).toEqual(expected);
    const second = train.images.subarray(8 * 12 * 3);
    for (let i = 0; i < second.length; i += 3) expect([second[i + 1], second[i + 2]]).toEqual([second[i], second[i]]);
  });

  test('as grey each pixel is luma', () => {
    const { shape, train } = loadImageFolder({ folder: mixed, channels: 1, imageSize: { height: 13, width: 19 } });
    expect(shape.channels).toBe(1);
    const { values } = decodeImage(imageBytes('rgb.png'), 'rgb.png');
    const [r, g, b] = values.subarray(300, 303);
    expect(train.images[100]).toBe(Math.round(0.299 * r + 0.587 * g + 0.114 * b));
  });

  test('the facts of the folder are those of the set', () => {
    const choice = { folder: mixed, channels: 1, imageSize } as const;
    const { shape, classes } = loadImageFolder(choice);
    expect(folderFacts(choice)).toEqual({ shape, classes, counts: { train: 2, test: 2 } });
  });
});

describe('the fingerprint', () => {
  const root = fabricateFolder(PLAN);
  const { fingerprint } = loadImageFolder({ folder: root });
  const copied = (change: (copy: string) => void): string => {
    const copy = path.join(emptyRoot(), 'copy');
    cpSync(root, copy, { recursive: true });
    change(copy);
    return loadImageFolder({ folder: copy }).fingerprint;
  };

  test('is that of the content: not of place, names of files or packing', () => {
    expect(copied(() => undefined)).toBe(fingerprint);
    expect(
      copied((copy) => renameSync(path.join(copy, 'train/cat/0000.png'), path.join(copy, 'train/cat/0.png'))),
    ).toBe(fingerprint);
    const { values } = decodeImage(grey(0, 0), 'a');
    const rgb = Uint8Array.from({ length: 3 * values.length }, (_, i) => values[Math.floor(i / 3)]);
    const copy = path.join(emptyRoot(), 'copy');
    cpSync(root, copy, { recursive: true });
    write(copy, 'train/cat/0000.png', pngFile({ ...SHAPE, channels: 3, values: rgb }));
    expect(loadImageFolder({ folder: copy, channels: 1 }).fingerprint).toBe(fingerprint);
  });

  test.each<[string, (copy: string) => void]>([
    ['a pixel of a training image', (copy) => write(copy, 'train/dog/0001.png', grey(1, 999))],
    ['a pixel of a test image', (copy) => write(copy, 'test/dog/0001.png', grey(1, 999))],
    [
      'a class by name',
      (copy) =>
        ['train', 'test'].forEach((part) => renameSync(path.join(copy, part, 'owl'), path.join(copy, part, 'pig'))),
    ],
    [
      'an image of another class',
      (copy) => renameSync(path.join(copy, 'train/cat/0002.png'), path.join(copy, 'train/dog/-.png')),
    ],
    ['one image less', (copy) => rmSync(path.join(copy, 'test/owl/0001.png'))],
  ])('changes with %s', (_, change) => {
    expect(copied(change)).not.toBe(fingerprint);
  });
});
