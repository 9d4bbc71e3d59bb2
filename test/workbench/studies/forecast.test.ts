import { describe, expect, it } from 'vitest';
import { forecast, storedPaces } from '../../../src/main/workbench/studies/forecast.ts';
import { DataAtHand } from '../../../src/main/workbench/studies/dataAtHand.ts';
import { measuredSeconds, type PieceOfWork } from '../../../src/main/workbench/studies/work.ts';
import { parseConfig } from '../../../src/main/workbench/loadConfig.ts';
import type { ExperimentConfig } from '../../../src/shared/config.ts';
import { TINY } from '../tinyExperiment.ts';
import { storeWith } from './storedStudy.ts';
import { tinyStudy, TINY_STUDY } from './tinyStudy.ts';

const config = parseConfig(
  {
    ...TINY,
    extractor: { preset: 'wrn-10-2' },
    training: { source: { procedure: 'normal', validationEvery: 2 }, heads: { procedure: 'normal', batchSize: 64 } },
    instances: 64,
    pgd: { steps: 50, restarts: 2, instances: 32 },
    certification: { draws: 500, selectionDraws: 100 },
  },
  'test',
);
const piece = (change: Partial<PieceOfWork>): PieceOfWork => ({
  kind: 'prediction',
  domain: 'source',
  config,
  shape: { height: 28, width: 28, channels: 1 },
  heads: 6,
  images: 6400,
  epochs: null,
  ...change,
});

describe('the work of a piece, on the machine of the constants', () => {
  it('is a batch of 64 through wrn-10-2 in 22 ms', () => {
    expect(measuredSeconds(piece({}))).toBeCloseTo(0.022, 12);
  });
  it('of an epoch of training is 90 % of the images in steps of 80 ms, and half a pass over the others', () => {
    // 90 batches at 80 ms, 10 batches at 22 ms every second epoch.
    const epoch = 90 * 0.08 + 0.5 * 10 * 0.022;
    expect(measuredSeconds(piece({ kind: 'extractor', domain: null, epochs: 3 }))).toBeCloseTo(3 * epoch, 10);
  });
  it('of an attack is a step of 52 ms for each restart and head', () => {
    expect(measuredSeconds(piece({ kind: 'pgd' }))).toBeCloseTo(6 * 2 * 50 * 0.5 * 0.052, 10);
  });
  it('of a noise attack is a forward pass a draw, which serves all heads', () => {
    const noisy = { ...config, noiseAttack: { ...config.noiseAttack, draws: 100, instances: 32 } };
    expect(measuredSeconds(piece({ kind: 'noise-attack', config: noisy }))).toBeCloseTo(100 * 0.5 * 0.022, 10);
  });
  it('of a search is a step of 52 ms for each head, and nothing without inputs', () => {
    const search = { ...config.adversarialSearch, enabled: true, steps: 200 };
    const searched = (change: Partial<typeof search>): PieceOfWork =>
      piece({
        kind: 'adversarial-search',
        heads: 2,
        config: { ...config, adversarialSearch: { ...search, ...change } },
      });
    expect(measuredSeconds(searched({}))).toBeCloseTo(2 * 200 * 0.052, 10);
    expect(measuredSeconds(searched({ inputSearch: false }))).toBe(0);
  });
  it('of adversarial training adds a gradient a step of the attack, for every draw of adv-s', () => {
    const trained = (source: Partial<ExperimentConfig['training']['source']>): number =>
      measuredSeconds(
        piece({
          kind: 'extractor',
          domain: null,
          epochs: 1,
          config: {
            ...config,
            training: { ...config.training, source: { ...config.training.source, validationEvery: 1, ...source } },
          },
        }),
      );
    const held = 10 * 0.022;
    expect(trained({ procedure: 'adv', attackSteps: 10 })).toBeCloseTo(90 * (10 * 0.052 + 0.08) + held, 10);
    expect(trained({ procedure: 'adv-d', attackSteps: 3 })).toBeCloseTo(90 * (3 * 0.052 + 2 * 0.08) + held, 10);
    expect(trained({ procedure: 'adv-s', attackSteps: 3, noiseDraws: 2 })).toBeCloseTo(
      90 * 2 * (3 * 0.052 + 0.08) + held,
      10,
    );
  });
  it('of a certification is 250 ms an instance for 600 draws', () => {
    expect(measuredSeconds(piece({ kind: 'certification' }))).toBeCloseTo(64 * 0.25, 10);
  });
  it('of heads under normal training is one pass, and a small step a batch, epoch and head', () => {
    expect(measuredSeconds(piece({ kind: 'head', epochs: 4 }))).toBeCloseTo(100 * 0.022 + 6 * 4 * 100 * 0.002, 10);
  });
});

describe('a forecast', () => {
  it('without anything stored is the estimate, and says so', () => {
    const { seconds, kinds } = forecast([piece({}), piece({ kind: 'certification' })], new Map());
    expect(seconds).toBeCloseTo(0.022 + 16, 10);
    expect(kinds.map(({ kind, isEstimate, basis }) => [kind, isEstimate, basis.startsWith('estimate')])).toEqual([
      ['prediction', true, true],
      ['certification', true, true],
    ]);
  });

  it('goes by how long stored stages of the kind took, in proportion to their work', () => {
    const base = { ...TINY_STUDY.base, certification: { enabled: true, draws: 60, selectionDraws: 20 } };
    const { store } = storeWith(tinyStudy({ base, procedures: ['normal'] }), [{ right: 5, epochs: 2, seconds: 20 }]);
    const paces = storedPaces(store, new DataAtHand());
    // One pass a domain, 20 s each.
    expect(paces.get('certification')).toMatchObject({ pieces: 2 });
    expect(paces.get('certification')!.seconds).toBeCloseTo(40, 4);
    const run = store.runs.list()[0];
    const stored = { ...piece({ kind: 'certification' }), config: parseConfig(run.config, 'stored'), heads: 2 };
    const twice = { ...stored, config: { ...stored.config, instances: 2 * stored.config.instances } };
    const { seconds, kinds } = forecast([twice], paces);
    expect(seconds).toBeCloseTo(40, 3);
    expect(kinds[0]).toMatchObject({ isEstimate: false, basis: 'from 2 stored pieces of work of 40 s' });
    // Epochs that were trained count, not those that were allowed.
    const extractor = { ...stored, kind: 'extractor' as const, domain: null, heads: 1, images: 100, epochs: 2 };
    expect(forecast([extractor], paces).seconds).toBeCloseTo(20, 3);
  });

  it('takes no pace from stages that were over before they were warm', () => {
    const { store } = storeWith(tinyStudy(), [{ right: 5, epochs: 2, seconds: 2 }]);
    expect(storedPaces(store, new DataAtHand()).size).toBe(0);
  });
});
