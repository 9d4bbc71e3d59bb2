import { describe, expect, it } from 'vitest';
import { expandStudy, type GridCell } from '../../../src/main/workbench/studies/expandStudy.ts';
import { loadStudy, studyPresetNames } from '../../../src/main/workbench/studies/loadStudy.ts';
import { publishedAt, type PaperTableKind } from '../../../src/main/workbench/studies/published.ts';
import { radiusCeilings } from '../../../src/main/workbench/experiments/forewarnings.ts';
import { DOMAINS, PROCEDURES } from '../../../src/shared/config.ts';

const PAPER: readonly (readonly [name: string, kind: PaperTableKind, rows: number])[] = [
  ['paper-table-1', 'accuracy', 32],
  ['paper-table-2', 'searches', 32],
  ['paper-table-3', 'smoothing', 40],
  ['paper-table-4', 'smoothing', 40],
];

const cellsOf = (name: string): GridCell[] => expandStudy(loadStudy(name).study);

it("are the paper's four tables and a small study, and two of training for the certificate", () => {
  expect(studyPresetNames()).toEqual(['mini', ...PAPER.map(([name]) => name), 'radius', 'radius-mini']);
});

it('a name that is neither preset nor file is refused with the presets', () => {
  expect(() => loadStudy('paper-table-9')).toThrow(
    /neither a study's preset nor a file; presets are: mini, paper-table-1/,
  );
});

describe.each(PAPER)('%s', (name, kind, rows) => {
  it("is at the paper's scale, an extractor under each head", () => {
    for (const { config } of cellsOf(name)) {
      expect(config).toMatchObject({ extractor: { preset: 'wrn-32-10' }, instances: 1000 });
      expect(config.heads).toEqual([config.extractor.head]);
      for (const domain of DOMAINS) expect(config[domain].trainingInstances).toBeUndefined();
      for (const training of [config.training.source, config.training.heads]) {
        expect(training).toMatchObject({ learningRate: 1e-4, patience: 10, epsilon: 0.1 });
      }
      if (kind === 'smoothing')
        expect(config.certification).toMatchObject({ enabled: true, sigma: 0.1, draws: 500, alpha: 1e-4 });
      else expect(config.certification.enabled).toBe(false);
    }
  });

  it('has a run for every row of the table, and no other', () => {
    const found = cellsOf(name).flatMap(
      ({
        procedure,
        config: {
          source,
          target,
          heads: [head],
        },
      }) =>
        DOMAINS.map((domain) =>
          publishedAt(kind, { source: source.dataset, target: target.dataset, domain, procedure, head }),
        ),
    );
    expect(found.every((row) => row !== null)).toBe(true);
    expect(found).toHaveLength(rows);
  });
});

describe('mini', () => {
  it('shares one extractor a procedure on parts of the bundled images, and has no published counterpart', () => {
    const cells = cellsOf('mini');
    expect(cells.map(({ procedure }) => procedure)).toEqual(PROCEDURES.filter((procedure) => procedure !== 'gaussian'));
    for (const { procedure, config } of cells) {
      const { source, target, heads, extractor, certification, instances } = config;
      expect([source.dataset, target.dataset]).toEqual(['fashion-mnist', 'mnist']);
      for (const { trainingInstances } of [source, target]) expect(trainingInstances).toBeLessThanOrEqual(6000);
      expect(heads.length).toBeGreaterThanOrEqual(6);
      expect(extractor.preset).toMatch(/^wrn-10-/);
      expect(certification.draws).toBe(500);
      expect(instances).toBeGreaterThanOrEqual(100);
      for (const head of heads) {
        expect(
          publishedAt('smoothing', { source: 'fashion-mnist', target: 'mnist', domain: 'target', procedure, head }),
        ).toBeNull();
      }
    }
  });
});

describe.each(['radius-mini', 'radius'])('%s', (name) => {
  const cells = cellsOf(name);

  it('has every procedure at σ 0.1, 0.25 and 0.5, and heads with and without a draw bank', () => {
    for (const procedure of new Set(cells.map((cell) => cell.procedure))) {
      const ofFirst = cells.filter((cell) => cell.procedure === procedure && cell.transferIndex === 0);
      expect(ofFirst.map(({ config }) => config.certification.sigma)).toEqual([0.1, 0.25, 0.5]);
    }
    for (const { config } of cells) {
      const banked = config.heads.filter(({ drawBank }) => drawBank !== undefined);
      expect(banked.length).toBeGreaterThan(0);
      expect(banked.length).toBeLessThan(config.heads.length);
      expect(
        config.heads.some(({ drawBank, boxTraining }) => drawBank !== undefined && boxTraining !== undefined),
      ).toBe(true);
    }
  });

  it('draws as many as every method needs to reach 2 σ', () => {
    for (const { config } of cells) {
      const ceilings = Object.values(radiusCeilings(config, 10)!);
      expect(ceilings).toHaveLength(4);
      for (const ceiling of ceilings) expect(ceiling).toBeGreaterThan(2 * config.certification.sigma);
    }
  });
});

it("radius is at the paper's scale and on its transfers", () => {
  const cells = cellsOf('radius');
  expect(new Set(cells.map(({ transfer }) => transfer)).size).toBe(4);
  for (const { config } of cells) expect(config).toMatchObject({ extractor: { preset: 'wrn-32-10' }, instances: 1000 });
});
