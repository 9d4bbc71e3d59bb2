import path from 'node:path';
import { readFileSync, writeFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { CertificateRecord } from '../../src/shared/results.ts';
import { radiusLost } from '../../src/main/math/lattice/lattice.ts';
import { headsOf, stageOf, storedRun } from '../../src/main/workbench/storedRun.ts';
import { reading } from '../../src/main/workbench/storeOfFolder.ts';
import { holds, verifyRun } from '../../src/main/workbench/verifyRun.ts';
import { startRun } from '../../src/main/workbench/workbench.ts';
import { pythonWithPackages } from '../python.ts';
import { exported } from './export/exportedRun.ts';
import { emptyFolder, quietHost, SILENT, tinyConfig } from './tinyExperiment.ts';

const python = await pythonWithPackages();
const FACTS = { sigma: 0.1, noise: 'lattice', inputs: 784 } as const;

describe('a run whose noise is on the lattice', () => {
  const folder = emptyFolder();
  let certificates: CertificateRecord[];
  let inFloat32: CertificateRecord[];
  const config = (noise: 'lattice' | 'float32') =>
    tinyConfig({
      certification: { draws: 60, selectionDraws: 20, alpha: 0.01, noise },
      adversarialSearch: { enabled: false },
      pgd: { enabled: false },
      noiseAttack: { enabled: false },
    });
  const certificatesOf = (id: number): CertificateRecord[] =>
    reading(folder, (store) => {
      const run = storedRun(store, id);
      return headsOf(run).flatMap((of) => [
        ...store.results.iterateCertificates(stageOf(run, 'certification', of)!.id),
      ]);
    });
  beforeAll(async () => {
    certificates = certificatesOf(await startRun(folder, config('lattice'), quietHost()));
    inFloat32 = certificatesOf(await startRun(folder, config('float32'), quietHost()));
  });

  it('says so in the evidence of every certificate, as a run in float32 does', () => {
    expect(certificates).toHaveLength(inFloat32.length);
    for (const { evidence } of certificates) expect(evidence).toMatchObject(FACTS);
    for (const { evidence } of inFloat32) expect(evidence).toMatchObject({ noise: 'float32', inputs: 0 });
  });

  it('certifies about as many, and no vote count at a radius above that of float32 less what the lattice costs', () => {
    const certified = (records: readonly CertificateRecord[]): number =>
      records.filter(({ verdict }) => verdict.outcome === 'certified').length;
    expect(certified(certificates)).toBeGreaterThan(0.8 * certified(inFloat32));
    const radiiByVotes = (records: readonly CertificateRecord[]): Map<number, number> =>
      new Map(
        records.flatMap(({ evidence, verdict }) =>
          evidence.method === 'label' && verdict.outcome === 'certified'
            ? [[evidence.counts[verdict.predicted], verdict.radiusNormalised] as const]
            : [],
        ),
      );
    const [on, off] = [radiiByVotes(certificates), radiiByVotes(inFloat32)];
    const common = [...on].filter(([votes]) => off.has(votes));
    expect(common.length).toBeGreaterThan(0);
    for (const [votes, radius] of common) expect(radius).toBeLessThanOrEqual(off.get(votes)! - radiusLost(FACTS));
  });

  it('is rechecked and drawn again bit for bit', async () => {
    const verification = await verifyRun(folder, 1, {
      redraw: true,
      reporter: SILENT,
      signal: new AbortController().signal,
    });
    expect(verification.disagreements).toEqual([]);
    expect(verification.redraw!.identical).toBe(certificates.length);
    expect(holds(verification)).toBe(true);
  });

  it.skipIf(python === null)(
    'is followed by the second implementation, which refuses the radius of float32',
    async () => {
      const files = exported({ folder, id: 1, config: config('lattice') }, 'evidence');
      const at = path.dirname(files.get('evidence/verify.py')!);
      const fine = await python!([path.join(at, 'verify.py')]);
      expect(fine.output).toContain('Every verdict follows from its evidence.');
      expect(fine.status).toBe(0);

      const lines = path.join(at, 'certificates.jsonl');
      const all = readFileSync(lines, 'utf8').trim().split('\n');
      const victim = all.findIndex(
        (line) => line.includes('"method":"label"') && line.includes('"radiusNormalised":0.'),
      );
      const forged = JSON.parse(all[victim]) as { verdict: { radiusNormalised: number }; radiusPixels: number };
      const { radiusNormalised } = forged.verdict;
      forged.verdict.radiusNormalised += radiusLost(FACTS);
      forged.radiusPixels *= forged.verdict.radiusNormalised / radiusNormalised;
      writeFileSync(lines, [...all.slice(0, victim), JSON.stringify(forged), ...all.slice(victim + 1)].join('\n'));
      const refused = await python!([path.join(at, 'verify.py')]);
      expect(refused.output).toMatch(/DISAGREES .* the stored radius is 0\.\d+, the evidence proves 0\.\d+ only/);
      expect(refused.status).toBe(1);
    },
  );
});

it.each([
  [{ sigma: 1e-40 }, /certification\.sigma: got 1e-40 with noise "lattice", expected from 2\^-100 to 2\^60/],
  [{ alpha: 1e-12 }, /certification\.alpha: got 1e-12 with noise "lattice", expected at least 1e-9/],
])('a config of which no lattice can be made is refused: %j', (settings, says) => {
  expect(() => tinyConfig({ certification: { draws: 500, noise: 'lattice', ...settings } })).toThrow(says);
});
