import { expect, it } from 'vitest';
import { CATALOGUE, IDX_FILES } from '../../src/main/data/catalogue.ts';
import { DISTRIBUTIONS } from '../../src/main/data/distributions.ts';
import { DATASET_NAMES } from '../../src/shared/config.ts';

const all = DATASET_NAMES.flatMap((name) => DISTRIBUTIONS[name].map((file) => ({ name, file })));

it.each(all)('$name: $file.name has a size, a SHA-256 and two addresses that end in its name', ({ file }) => {
  expect(file.bytes).toBeGreaterThan(0);
  expect(file.sha256).toMatch(/^[0-9a-f]{64}$/);
  expect(file.addresses.length).toBeGreaterThanOrEqual(2);
  expect(new Set(file.addresses.map((address) => new URL(address).host)).size).toBe(file.addresses.length);
  for (const address of file.addresses) expect(address.endsWith(`/${file.name}`)).toBe(true);
});

it('no two files are the same', () => {
  expect(new Set(all.map(({ file }) => file.sha256)).size).toBe(all.length);
});

it.each(DATASET_NAMES.filter((name) => CATALOGUE[name].reader === 'idx'))('%s has the files that are read', (name) => {
  const read = Object.values(IDX_FILES).map((file) => `${file}.gz`);
  expect(DISTRIBUTIONS[name].map((file) => file.name).sort()).toEqual(read.sort());
});
