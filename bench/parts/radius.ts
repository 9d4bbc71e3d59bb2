import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExperimentConfigInput } from '../../src/shared/config.ts';
import type { Store } from '../../src/main/store/store.ts';
import type { CertificateHeader } from '../../src/main/store/tables/certificate.ts';
import { headsOf, stageOf, storedRun } from '../../src/main/workbench/storedRun.ts';
import { reading } from '../../src/main/workbench/storeOfFolder.ts';
import { publish } from '../document.ts';
import type { Options } from '../options.ts';
import { quietRun } from '../quietRun.ts';
import { median } from '../statistics.ts';
import { markdownTable } from '../table.ts';

const SIGMA = 0.25;
const SINGLE = { draws: 1, objective: 'cross-entropy' } as const;
/** λ of METHOD.md §2's trial, by depth. */
const WEIGHT = { 1: 20, 4: 5 } as const;

const EVERY = {
  source: { dataset: 'fashion-mnist' },
  target: { dataset: 'mnist' },
  headsOn: ['target'],
  extractor: { preset: 'wrn-10-2' },
  noiseAttack: { enabled: false },
  pgd: { enabled: false },
  certification: { sigma: SIGMA, draws: 500, methods: ['label', 'pairwise'] },
} satisfies Partial<ExperimentConfigInput>;

const training = (procedure: 'noise' | 'gaussian'): ExperimentConfigInput['training'] => ({
  source: { procedure, learningRate: 1e-3, maxEpochs: 4 },
  heads: { procedure, learningRate: 3e-3, maxEpochs: 30 },
});

/** What is compared: a training of the extractor and a head. */
interface Contestant {
  readonly procedure: 'noise' | 'gaussian';
  readonly layers: 1 | 4;
  readonly head: string;
}
const DEPTHS = [1, 4] as const;
const HEADS = {
  noise: [{ name: 'noise', spec: () => ({}) }],
  gaussian: [
    { name: 'gaussian, drawn anew in every step', spec: () => ({}) },
    { name: 'single draw', spec: () => ({ drawBank: SINGLE }) },
    { name: 'drawBank', spec: (layers: 1 | 4) => ({ drawBank: { draws: 16, weight: WEIGHT[layers] } }) },
  ],
} as const;

interface Measured {
  /** Certified radius for the own class in σ, 0 where there is none, averaged over all instances. */
  readonly label: number;
  readonly pairwise: number;
  /** Shares certified at least so far by label. */
  readonly at: Readonly<Record<(typeof MULTIPLES)[number], number>>;
  /** Instances where both methods test the same class, and those of them where pairwise certifies less far. */
  readonly sameClass: number;
  readonly below: number;
}
const MULTIPLES = ['0', '0.5', '1', '1.5', '2'] as const;

/**
 * The figures that training for the certificate is held to: heads from the same extractor and the same certification draws, the
 * median of some seeds.
 */
export async function radius(options: Options): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'ptw-radius-'));
  const found = new Map<string, Measured[]>();
  let conditions = '';
  try {
    for (let seed = 1; seed <= options.seeds; seed++) {
      for (const procedure of ['noise', 'gaussian'] as const) {
        console.log(`Seed ${seed}: extractor and heads by ${procedure} …`);
        const contestants = contestantsOf(procedure);
        const run = await quietRun(folder, {
          ...EVERY,
          name: `radius: ${procedure}, seed ${seed}`,
          seed,
          training: training(procedure),
          heads: contestants.map(({ spec }) => spec),
          instances: options.instances,
        });
        ({ conditions } = run);
        const measured = reading(folder, (store) => measureRun(store, run.id));
        contestants.forEach((contestant, i) => {
          const name = nameOf(contestant);
          console.log(`  ${name}: mean label radius ${measured[i].label.toFixed(3)} σ`);
          found.set(name, [...(found.get(name) ?? []), measured[i]]);
        });
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const scale = `${conditions} ${options.instances} test instances, n = 500, σ = ${SIGMA}, medians of ${options.seeds} seeds (least to greatest).`;
  publish('radius', [scale, resultsTable(found), targetsTable(found)].join('\n\n'), options);
}

const nameOf = ({ layers, head }: Contestant): string => `${layers} ${layers === 1 ? 'layer' : 'layers'}, ${head}`;

function contestantsOf(procedure: 'noise' | 'gaussian') {
  return DEPTHS.flatMap((layers) =>
    HEADS[procedure].map(({ name, spec }) => ({
      procedure,
      layers,
      head: name,
      spec: { layers, constraint: 'none' as const, ...spec(layers) },
    })),
  );
}

/** In the order of the config's heads. */
function measureRun(store: Store, id: number): Measured[] {
  const stored = storedRun(store, id);
  return headsOf(stored).map((of) =>
    measure(store.results.certificateHeaders(stageOf(stored, 'certification', of)!.id)),
  );
}

function measure(certificates: readonly CertificateHeader[]): Measured {
  const by = (method: 'label' | 'pairwise') => certificates.filter((one) => one.method === method);
  const [label, pairwise] = [by('label'), by('pairwise')];
  const pairwiseOf = new Map(pairwise.map((one) => [one.datasetIndex, one]));
  const pairs = label
    .map((one) => ({ label: one, pairwise: pairwiseOf.get(one.datasetIndex)! }))
    .filter((pair) => pair.label.verdict.predicted === pair.pairwise.verdict.predicted);
  const share = (multiple: number): number =>
    label.filter((one) => isCertifiedTo(one, multiple * SIGMA)).length / label.length;
  return {
    label: mean(label.map(radiusOf)) / SIGMA,
    pairwise: mean(pairwise.map(radiusOf)) / SIGMA,
    at: Object.fromEntries(MULTIPLES.map((multiple) => [multiple, share(Number(multiple))])) as Measured['at'],
    sameClass: pairs.length,
    below: pairs.filter((pair) => reachOf(pair.pairwise) < reachOf(pair.label)).length,
  };
}

/** Whatever class is certified; −1 for an abstention, which is less far than radius 0. */
const reachOf = ({ verdict }: CertificateHeader): number =>
  verdict.outcome === 'certified' ? verdict.radiusNormalised : -1;

const radiusOf = (one: CertificateHeader): number => (isCertifiedTo(one, 0) ? reachOf(one) : 0);

const isCertifiedTo = (one: CertificateHeader, radiusNormalised: number): boolean =>
  one.verdict.predicted === one.label && reachOf(one) >= radiusNormalised;

function resultsTable(found: ReadonlyMap<string, readonly Measured[]>): string {
  return markdownTable(
    [
      'head, training',
      'mean radius by label, σ',
      'by pairwise, σ',
      ...MULTIPLES.map((multiple) => `A_V at ${multiple}σ`),
    ],
    [...found].map(([name, measured]) => [
      name,
      withRange(measured.map(({ label }) => label)),
      withRange(measured.map(({ pairwise }) => pairwise)),
      ...MULTIPLES.map((multiple) => (100 * median(measured.map(({ at }) => at[multiple]))).toFixed(1)),
    ]),
  );
}

/** The figures that are asked for, beside what was measured. */
function targetsTable(found: ReadonlyMap<string, readonly Measured[]>): string {
  const ratio = (name: string, base: string): number[] => {
    const [above, below] = [found.get(name)!, found.get(base)!];
    return above.map(({ label }, seed) => label / below[seed].label);
  };
  const line = (what: string, least: number | null, ratios: readonly number[]): string[] => [
    what,
    least === null ? '–' : least.toFixed(2),
    withRange(ratios),
    least === null ? '–' : median(ratios) >= least ? 'yes' : 'no',
  ];
  const all = [...found.values()].flat();
  const below = all.reduce((sum, one) => sum + one.below, 0);
  const same = all.reduce((sum, one) => sum + one.sameClass, 0);
  return markdownTable(
    ['mean label radius, seed by seed', 'asked for', 'measured', 'reached'],
    [
      line('1 layer: drawBank over single draw', 1.15, ratio('1 layer, drawBank', '1 layer, single draw')),
      line('4 layers: drawBank over single draw', 1.04, ratio('4 layers, drawBank', '4 layers, single draw')),
      line(
        "1 layer: gaussian over the paper's noise",
        1.5,
        ratio('1 layer, gaussian, drawn anew in every step', '1 layer, noise'),
      ),
      line(
        "4 layers: gaussian over the paper's noise",
        1.5,
        ratio('4 layers, gaussian, drawn anew in every step', '4 layers, noise'),
      ),
      line(
        '1 layer: drawBank over gaussian',
        null,
        ratio('1 layer, drawBank', '1 layer, gaussian, drawn anew in every step'),
      ),
      line(
        '4 layers: drawBank over gaussian',
        null,
        ratio('4 layers, drawBank', '4 layers, gaussian, drawn anew in every step'),
      ),
      [
        'pairwise below label where both test the same class, instances',
        '0',
        `${below} of ${same}`,
        below === 0 ? 'yes' : 'no',
      ],
    ],
  );
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

const withRange = (values: readonly number[]): string =>
  `${median(values).toFixed(2)} (${Math.min(...values).toFixed(2)}–${Math.max(...values).toFixed(2)})`;
