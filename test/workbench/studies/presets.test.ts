import { describe, expect, it } from 'vitest';
import { expandStudy, type GridCell } from '../../../src/main/workbench/studies/expandStudy.ts';
import { loadStudy, studyPresetNames } from '../../../src/main/workbench/studies/loadStudy.ts';
import { publishedAt, type TableKind } from '../../../src/main/workbench/studies/published.ts';
import { DOMAINS, PROCEDURES } from '../../../src/shared/config.ts';

const PAPER: readonly (readonly [name: string, kind: TableKind, rows: number])[] = [
  ['paper-table-1', 'accuracy', 32],
  ['paper-table-2', 'searches', 32],
  ['paper-table-3', 'smoothing', 40],
  ['paper-table-4', 'smoothing', 40],
];

const cellsOf = (name: string): GridCell[] => expandStudy(loadStudy(name).study);

it("are the paper's four tables and a small study", () => {
  expect(studyPresetNames()).toEqual(['mini', ...PAPER.map(([name]) => name)]);
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
    expect(cells.map(({ procedure }) => procedure)).toEqual(PROCEDURES);
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
