import { damaged, expectEnd, readExactly, type ByteSource } from '../byteSource.ts';
import { CIFAR10_FILES } from '../catalogue.ts';
import { emptyPart, sha256, type FilesOfSet, type DecodedPart, type SetContents } from './contents.ts';
import { fromMembers } from './members.ts';

const SIDE = 32;
const PIXELS = SIDE * SIDE;
/** A label, and the image's planes: red, green, blue, each by rows. */
const RECORD = 1 + 3 * PIXELS;
const BATCHES = 5;

/** CIFAR-10, "binary version": cifar-10-binary.tar.gz as it is distributed, or the six files in it. */
export function readCifar10({ entry, counts, files }: FilesOfSet): SetContents {
  const train = emptyPart(entry, counts.train);
  const test = emptyPart(entry, counts.test);
  const hashes = new Map<string, string>();
  const read = (name: string, source: ByteSource): void => {
    const batch = CIFAR10_FILES.indexOf(name);
    const isTest = name === 'test_batch.bin';
    const size = isTest ? counts.test : counts.train / BATCHES;
    hashes.set(name, readBatch(source, isTest ? test : train, { first: isTest ? 0 : batch * size, count: size }));
  };
  fromMembers({ files, names: CIFAR10_FILES, found: hashes }, read);
  return { train, test, hashes: CIFAR10_FILES.map((name) => [name, hashes.get(name)!]) };
}

/** One file of records, whose channels become the last axis. @returns SHA-256 of its bytes */
function readBatch(
  source: ByteSource,
  { images, labels }: DecodedPart,
  { first, count }: { readonly first: number; readonly count: number },
): string {
  const hash = sha256();
  for (let image = first; image < first + count; image++) {
    const start = source.position;
    const record = readExactly(source, RECORD, 'a batch');
    hash.update(record);
    if (record[0] > 9) {
      const parts = { operation: 'reading a batch', quantity: `label of image ${image - first}`, got: record[0] };
      throw damaged(source, { ...parts, expected: '0 to 9', offset: start });
    }
    labels[image] = record[0];
    const place = images.subarray(image * PIXELS * 3, (image + 1) * PIXELS * 3);
    for (let channel = 0; channel < 3; channel++) {
      const plane = 1 + channel * PIXELS;
      for (let at = 0; at < PIXELS; at++) place[3 * at + channel] = record[plane + at];
    }
  }
  expectEnd(source, 'a batch');
  return hash.digest('hex');
}
