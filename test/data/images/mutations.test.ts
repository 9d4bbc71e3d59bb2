import { describe, expect, test } from 'vitest';
import { EXPECTED, imageBytes } from './fixtures.ts';
import { checkMutations, rowsOf, withChecksums, type MutationCase } from './mutations.ts';

const originals = (format: string): Uint8Array[] =>
  Object.keys(EXPECTED)
    .filter((name) => name.endsWith(format) && name !== 'bomb-profile.png')
    .map(imageBytes);

const pngs = originals('png');
const unpacked = pngs.map(rowsOf);

const CASES: readonly (MutationCase & { readonly fewest: number; readonly most: number })[] = [
  // Nearly all end at a checksum.
  { name: 'png', originals: pngs, mutations: 5_000, fewest: 5, most: 500 },
  // These get through to the header and the stream,
  { name: 'png-mended', originals: pngs, mutations: 10_000, mended: withChecksums, fewest: 200, most: 5_000 },
  // and these to the rows.
  {
    name: 'png-rows',
    originals: unpacked.map(({ rows }) => rows),
    mutations: 5_000,
    mended: (rows, m) => unpacked[m % unpacked.length].withRows(rows),
    fewest: 1_000,
    most: 4_000,
  },
  { name: 'jpeg', originals: originals('jpg'), mutations: 20_000, fewest: 2_000, most: 15_000 },
];

describe('a damaged image is read or refused with a DataError that names it, within 2 s and 512 MB', () => {
  test.each(CASES)(
    '$name: $mutations mutations',
    ({ fewest, most, ...mutations }) => {
      const read = checkMutations(mutations);
      // Both ends are reached.
      expect(read).toBeGreaterThan(fewest);
      expect(read).toBeLessThan(most);
      // Seconds where the machine is free; every damaged JPEG that libjpeg gives up costs a new decoder.
    },
    180_000,
  );
});
