import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { bytesBelow } from '../../src/main/data/filesBelow.ts';
import { readPages } from '../../src/main/hosts/pages.ts';
import { Tally, type Attack } from '../../torture/attack.ts';
import { api } from '../../torture/attacks/api.ts';
import { coverage } from '../../torture/attacks/coverage.ts';
import { formats } from '../../torture/attacks/formats.ts';
import { serve } from '../../torture/attacks/serve.ts';
import { TRAVERSALS, VARIANTS } from '../../torture/hostileRequests.ts';
import { emptyFolder } from '../workbench/tinyExperiment.ts';

/** Each attack in small; `npm run torture` runs them at length (docs/soundness.md, docs/security.md). */
async function held(attack: Attack, count: number): Promise<Readonly<Record<string, number>>> {
  const tally = new Tally();
  await attack.run({ seed: 2, count, say: () => undefined }, tally);
  expect(tally.violations).toEqual([]);
  return Object.fromEntries(tally.counts);
}

it('serve answers nobody else, whatever the Host, Origin, path or token', async () => {
  expect(VARIANTS.length).toBeGreaterThanOrEqual(50);
  expect(TRAVERSALS.length).toBeGreaterThan(5000);
  const counts = await held(serve, 100);
  expect(counts).toMatchObject({ 'token: 401': 20, 'honest: served': 4 });
  // One letter beside the token, which no seed decides, may be the token itself: such a guess is not sent.
  expect(counts['token: 429']).toBeGreaterThan(70);
}, 120_000);

it('malformed messages are answered as such and change nothing, over either transport', async () => {
  const counts = await held(api, 1000);
  expect(Object.keys(counts)).toEqual(expect.arrayContaining(['answered bad-input', 'bridge: not our page']));
}, 120_000);

it('damaged weights, configs, studies and folders of images are refused in our own words', async () => {
  const counts = await held(formats, 200);
  for (const kind of ['weights: WeightsError', 'config: BadInput', 'study: BadInput', 'folder of images: DataError']) {
    expect(counts[kind]).toBeGreaterThan(5);
  }
}, 120_000);

it('certificates of classifiers whose truth is known are false no more often than α, on the lattice too', async () => {
  const counts = await held(coverage, 150);
  expect(counts['a duel at 1.2 sigma; label, separate, lattice: certified']).toBe(150);
}, 120_000);

it('a folder with links out of it and in circles is read to its end, and no further', () => {
  const around = emptyFolder();
  const pages = path.join(around, 'pages');
  mkdirSync(path.join(pages, 'assets'), { recursive: true });
  writeFileSync(path.join(pages, 'index.html'), 'page');
  writeFileSync(path.join(around, 'outside.html'), 'secret');
  symlinkSync(around, path.join(pages, 'assets', 'linked'));
  symlinkSync(path.join(around, 'outside.html'), path.join(pages, 'linked.html'));
  expect([...readPages(pages).files.keys()]).toEqual(['/index.html']);
  expect(bytesBelow(pages)).toBe(4);
});
