import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStore } from '../../../src/main/store/store.ts';
import { stageOf, storedRun } from '../../../src/main/workbench/storedRun.ts';
import { startRun } from '../../../src/main/workbench/workbench.ts';
import { noiseOf } from '../../../src/main/workbench/certificates/testImages.ts';
import { certificationSchema } from '../../../src/shared/config.ts';
import { drawKeys } from '../../../src/main/engine/smoothing/draws.ts';
import { fillStandardNormal } from '../../../src/main/math/philox.ts';
import { instancesCounted, outcomesOf, type ListedBy } from '../../../src/shared/api/certificates.ts';
import { countedInstances } from '../../../src/shared/countedInstances.ts';
import { REPORT_COLUMNS } from '../../../src/shared/reportColumns.ts';
import type { CertificateHeader } from '../../../src/main/store/tables/certificate.ts';
import { emptyFolder, quietHost, tinyConfig } from '../tinyExperiment.ts';
import { asking, type Asking } from './asking.ts';

let workbench: Asking;
let folder: string;
const OF = { run: 1, domain: 'target', head: '4-layer wn' } as const;
const PAGE = { offset: 0, limit: 100 } as const;

beforeAll(async () => {
  folder = emptyFolder();
  await startRun(
    folder,
    tinyConfig({ certification: { draws: 60, selectionDraws: 20, alpha: 0.05, sigma: 0.05 } }),
    quietHost(),
  );
  workbench = asking(folder);
});
afterAll(() => workbench.close());

const headers = (head = OF.head): CertificateHeader[] => {
  const store = openStore(folder, { readonly: true });
  const stage = stageOf(storedRun(store, 1), 'certification', { ...OF, head })!;
  const rows = store.results.certificateHeaders(stage.id);
  store.close();
  return rows;
};

describe('refusals', () => {
  it('name the heads that there are, the run that is none, the image that is none', async () => {
    await expect(workbench.ask('certificates.list', { ...OF, ...PAGE, head: 'x', by: 'label' })).rejects.toThrow(
      'run 1 has no head "x" on the target; there are: "1-layer none", "4-layer wn"',
    );
    await expect(workbench.ask('certificates.choices', { run: 9 })).rejects.toThrow('find run 9');
    await expect(workbench.ask('certificates.images', { run: 1, domain: 'target', indices: [1e6] })).rejects.toThrow(
      /mnist \(target\) has test images 0 to \d+, got 1000000/,
    );
    await expect(workbench.ask('certificates.instance', { ...OF, index: 1e6 })).rejects.toThrow(
      'was not certified by run 1',
    );
    await expect(workbench.ask('certificates.verify', { ...OF, index: 1e6, redraw: false, task: 't' })).rejects.toThrow(
      'has no certificates of test image 1000000',
    );
  });
});

describe('instances', () => {
  it('are offered by what the run has of each head', async () => {
    const { heads, classNames, sigma } = await workbench.ask('certificates.choices', { run: 1 });
    expect(heads).toHaveLength(4);
    expect(heads[3].by).toEqual([
      'clean',
      'representation-median',
      'logit-median',
      'pgd',
      'noise-attack',
      'label',
      'logit',
      'pairwise',
      'representation',
    ]);
    expect(heads[3].rules).toContainEqual({ rule: 'paper', isProof: false });
    expect(heads[3].rules).toContainEqual({ rule: 'linear', isProof: true });
    expect([classNames.source[0], sigma]).toEqual(['T-shirt/top', 0.05]);
  });

  it.each(['label', 'logit', 'pairwise'] as const)('by %s are its certificates, counted by outcome', async (by) => {
    const { total, rows, counts } = await workbench.ask('certificates.list', { ...OF, ...PAGE, by });
    const stored = headers().filter(({ method }) => method === by);
    expect(total).toBe(stored.length);
    expect(rows.map(({ index }) => index)).toEqual(stored.map(({ datasetIndex }) => datasetIndex));
    expect(Object.values(counts).reduce((sum, n) => sum + n, 0)).toBe(total);
    for (const outcome of outcomesOf(by)) {
      const part = await workbench.ask('certificates.list', { ...OF, ...PAGE, by, outcome });
      expect(part.total).toBe(counts[outcome] ?? 0);
      expect(part.rows.every((row) => row.outcome === outcome)).toBe(true);
    }
  });

  it('come by radius, by margin and by label, either way, what has none last', async () => {
    for (const sort of ['radius', 'margin', 'label'] as const) {
      for (const isDescending of [false, true]) {
        const query = { ...OF, ...PAGE, by: 'logit', sort, isDescending } as const;
        const { rows } = await workbench.ask('certificates.list', query);
        const values = rows.map(
          ({ radiusNormalised, margin, label }) => ({ radius: radiusNormalised, margin, label })[sort],
        );
        const there = values.filter((value) => value !== null);
        expect(values.slice(0, there.length)).toEqual(there);
        expect(there).toEqual([...there].sort((a, b) => (isDescending ? b - a : a - b)));
      }
    }
  });

  it('by any sound rule have the radius of the one that reaches furthest', async () => {
    const { rows } = await workbench.ask('certificates.list', {
      ...OF,
      ...PAGE,
      by: 'representation',
      rule: 'any-sound',
    });
    const sound = headers().filter(({ method, soundness }) => method === 'representation' && soundness === 'proved');
    for (const { index, radiusNormalised } of rows) {
      const radii = sound
        .filter(({ datasetIndex }) => datasetIndex === index)
        .flatMap(({ verdict }) => (verdict.outcome === 'certified' ? verdict.radiusNormalised : []));
      expect(radiusNormalised).toBe(radii.length === 0 ? null : Math.max(...radii));
    }
  });

  it('are as many behind each number of the table as it counts', async () => {
    const { rows } = await workbench.ask('run.get', { run: 1 });
    for (const row of rows) {
      for (const column of REPORT_COLUMNS) {
        const cell = column.cell(row);
        if (cell.kind !== 'share' || cell.share === null) continue;
        const { domain, head } = row;
        const query = { run: 1, domain, head, ...countedInstances(column)!, ...PAGE };
        const { total, counts } = await workbench.ask('certificates.list', query);
        expect(total, `${column.csvName} of ${head}`).toBe(cell.share.hits);
        expect(instancesCounted(counts)).toBe(cell.share.total);
        expect(cell.share.interval).not.toBeNull();
      }
    }
  });

  it('by clean prediction and by attack have their outcomes', async () => {
    for (const by of ['clean', 'pgd', 'noise-attack'] satisfies ListedBy[]) {
      const { rows, counts } = await workbench.ask('certificates.list', { ...OF, ...PAGE, by });
      expect(rows).toHaveLength(10);
      expect(Object.keys(counts).every((outcome) => outcomesOf(by).includes(outcome as never))).toBe(true);
    }
  });

  it('have the neighbours that the list has beside them', async () => {
    const query = { ...OF, by: 'label', sort: 'radius', isDescending: true } as const;
    const { rows } = await workbench.ask('certificates.list', { ...query, ...PAGE });
    const indices = rows.map(({ index }) => index);
    for (const [place, index] of indices.entries()) {
      expect(await workbench.ask('certificates.neighbours', { ...query, index })).toEqual({
        before: indices[place - 1] ?? null,
        after: indices[place + 1] ?? null,
        place,
        total: indices.length,
      });
    }
    expect(await workbench.ask('certificates.neighbours', { ...query, index: 10 ** 6 })).toMatchObject({ place: null });
  });
});

describe('one image', () => {
  const index = (): number => headers()[0].datasetIndex;

  it('is shown as the file has it, and its draws are those of the engine', async () => {
    const { pixels, height, width, channels } = await workbench.ask('certificates.images', {
      run: 1,
      domain: 'target',
      indices: [index()],
    });
    expect([height, width, channels, pixels.length]).toEqual([28, 28, 1, 784]);
    const drawn = await workbench.ask('certificates.draws', { run: 1, domain: 'target', index: index(), count: 3 });
    expect(drawn.pixels).toHaveLength(4 * 784);
    expect(drawn.pixels.subarray(0, 784)).toEqual(pixels);
    expect(drawn.pixels.subarray(784, 1568)).not.toEqual(pixels);
    // Draw i begins i draws of whole counters into the stream of the engine's own key.
    const of = { domain: 'target', index: 5, of: 'estimation', count: 3, size: 7 } as const;
    const certification = certificationSchema.parse({ sigma: 0.5 });
    const noise = noiseOf({ seed: 3, certification }, of);
    const expected = new Float32Array(7);
    const { estimation } = drawKeys(3, 'target', 5);
    fillStandardNormal(expected, estimation, 2 * 2);
    expect(noise.subarray(14)).toEqual(expected.map((eta) => 0.5 * eta));
  });

  it('has all its evidence, and what was found against it', async () => {
    const report = await workbench.ask('certificates.instance', {
      ...{ run: 1, domain: 'target' },
      index: index(),
    } as const);
    expect(report.heads).toHaveLength(2);
    const [first] = report.heads[1].certificates;
    expect(first.evidence.method).toBe('label');
    for (const { head } of report.heads) {
      const found = await workbench.ask('certificates.adversarial', { run: 1, domain: 'target', index: index(), head });
      for (const { distanceL2, distanceLinf, pixels } of found) {
        expect(distanceL2).toBeGreaterThanOrEqual(distanceLinf);
        expect(pixels).toHaveLength(3 * 784);
      }
    }
  });

  it('loses of its margin, coordinate by coordinate, what the bound says', async () => {
    const head = '1-layer none';
    const of = { run: 1, domain: 'target', index: index(), head } as const;
    const record = (await workbench.ask('certificates.instance', { ...of })).heads[0].certificates.find(
      ({ rule }) => rule === 'interval',
    )!;
    const rival = record.verdict.predicted === 0 ? 1 : 0;
    const { losses, marginAtMedian, marginLower } = await workbench.ask('certificates.losses', {
      ...of,
      rule: 'interval',
      rival,
    });
    expect(losses.every((loss) => loss >= 0)).toBe(true);
    const total = losses.reduce((sum, loss) => sum + loss, 0);
    // One layer: the line is the margin, but for rounding.
    expect(marginAtMedian - total).toBeCloseTo(marginLower, 5);
    await expect(
      workbench.ask('certificates.losses', { ...of, rule: 'interval', rival: record.verdict.predicted }),
    ).rejects.toThrow('rival: got class');
  });

  it('has margins at every radius that are the stored ones at its own', async () => {
    const of = { ...OF, index: index() };
    const curve = await workbench.ask('certificates.marginCurve', { ...of, task: 'margins-1' });
    expect(curve.isSame).toBe(true);
    expect([...curve.radius]).toEqual([...curve.radius].sort((a, b) => a - b));
    const report = await workbench.ask('certificates.instance', { ...of, head: OF.head });
    for (const { verdict, evidence } of report.heads[0].certificates) {
      if (evidence.method !== 'representation') continue;
      const { margins } = curve.rules.find(({ rule }) => rule === evidence.rule)!;
      const rows = [...curve.radius.keys()].map((i) => margins.subarray(i * 10, (i + 1) * 10));
      // Some row is that of the stored box; the radius of a certificate is the largest with all margins positive.
      expect(rows.some((row) => row.every((margin, j) => Object.is(margin, evidence.marginLower[j])))).toBe(true);
      const positive = rows.findLastIndex((row) => row.every((margin) => margin > 0));
      if (verdict.outcome === 'certified') expect(curve.radius[positive]).toBeCloseTo(verdict.radiusNormalised, 12);
    }
    await expect(workbench.ask('certificates.marginCurve', { ...of, index: 1e6, task: 'm' })).rejects.toThrow(
      'no representation certificates',
    );
  });

  it('is verified from its evidence, and drawn again to the same bits', async () => {
    const of = { ...OF, index: index() };
    const { rechecked, redrawn } = await workbench.ask('certificates.verify', {
      ...of,
      redraw: true,
      task: 'verify-1',
    });
    expect(rechecked).toHaveLength(8);
    expect(rechecked.flatMap(({ problems }) => problems)).toEqual([]);
    expect(rechecked.every(({ stored, text }) => stored === text)).toBe(true);
    expect(redrawn?.certificates.map(({ agreement }) => agreement)).toEqual(Array(8).fill('identical'));
    expect(workbench.events.some((event) => event.kind === 'task' && event.task === 'verify-1')).toBe(true);
  });
});

describe('a run', () => {
  it('has its table, its stages, and curves that begin at its accuracies', async () => {
    const run = await workbench.ask('run.get', { run: 1 });
    expect(run).toMatchObject({ name: 'tiny', status: 'done', failure: null, tags: [] });
    expect(run.rows).toHaveLength(4);
    const curves = await workbench.ask('run.curves', { run: 1 });
    const row = run.rows.find(({ domain, head }) => domain === 'target' && head === '1-layer none')!;
    const curve = curves.find(
      ({ domain, head, method }) => domain === 'target' && head === '1-layer none' && method === 'pairwise',
    )!;
    expect(curve.accuracy[0]).toBeCloseTo(row.pairwise!.certified.hits / 10, 12);
    expect(curve.lower[0]).toBeLessThanOrEqual(curve.accuracy[0]);
  });

  it('has a confusion of classes whose diagonal is its accuracy', async () => {
    const { rows } = await workbench.ask('run.get', { run: 1 });
    const { counts, classNames } = await workbench.ask('run.confusion', { ...OF });
    const right = counts.reduce((sum, { label, predicted, n }) => sum + (label === predicted ? n : 0), 0);
    expect(right).toBe(rows.find(({ domain, head }) => domain === OF.domain && head === OF.head)!.baseAccuracy!.hits);
    expect(classNames).toHaveLength(10);
    const certified = await workbench.ask('run.confusion', { ...OF, by: 'label' });
    expect(certified.counts.reduce((sum, { n }) => sum + n, 0)).toBe(10);
  });

  it('is exported into the folder of the workbench', async () => {
    const { folder: out, files } = await workbench.ask('run.exportFiles', { run: 1, format: 'csv' });
    expect(out.startsWith(folder)).toBe(true);
    expect(files.length).toBeGreaterThan(3);
  });
});
