import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ALLOWED, isAllowed, licencesText } from '../../scripts/licences.ts';
import { BUILT_IN, shippedPackages } from '../../scripts/shippedPackages.ts';

describe('licences of what is shipped', () => {
  const packages = shippedPackages();

  it('are all such as can be shipped, and the list is of this lock file', () => {
    expect(packages.filter(({ licence }) => !isAllowed(licence))).toEqual([]);
    expect(readFileSync(new URL('../../docs/licences.md', import.meta.url), 'utf8')).toBe(licencesText(packages));
  });

  it('count what is built into the pages as well', () => {
    const names = packages.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['zod', ...BUILT_IN]));
    expect(names).not.toContain('vitest');
  });

  it.each([
    ['MIT', true],
    ['(MIT OR GPL-3.0)', true],
    ['MIT AND Zlib', true],
    ['(MIT AND GPL-3.0-only)', false],
    ['GPL-3.0-or-later', false],
    ['AGPL-3.0', false],
    ['none stated', false],
    ['SEE LICENSE IN LICENSE', false],
    ['', false],
  ])('"%s": %s', (expression, expected) => {
    expect(isAllowed(expression)).toBe(expected);
    expect(ALLOWED.has('GPL-3.0')).toBe(false);
  });

  it('miss no development dependency that the pages import', () => {
    const root = new URL('../../src/', import.meta.url);
    const imported = ['renderer', 'preload'].flatMap((room) =>
      readdirSync(new URL(`${room}/`, root), { recursive: true, encoding: 'utf8' })
        .filter((file) => /\.(ts|vue)$/.test(file))
        .flatMap((file) => [
          ...readFileSync(new URL(`${room}/${file}`, root), 'utf8').matchAll(/from '((?:@[^/']+\/)?[^./'@][^/']*)/g),
        ]),
    );
    const packagesOf = new Set(imported.map(([, name]) => name));
    expect(packagesOf.size).toBeGreaterThan(5);
    for (const name of packagesOf) expect(packages.map((of) => of.name)).toContain(name);
  });
});
