import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExperimentConfigInput } from '../../src/shared/config.ts';
import type { Store } from '../../src/main/store/store.ts';
import type { CertificateHeader } from '../../src/main/store/tables/certificate.ts';
import { chosenHead, searchResults } from '../../src/main/workbench/headSearch/searchResults.ts';
import { headsOf, stageOf, storedRun } from '../../src/main/workbench/storedRun.ts';
import { reading } from '../../src/main/workbench/storeOfFolder.ts';
import { listRuns } from '../../src/main/workbench/workbench.ts';
import { publish } from '../document.ts';
import type { Options } from '../options.ts';
import { quietRun } from '../quietRun.ts';
import { median } from '../statistics.ts';
import { markdownTable } from '../table.ts';

const SIGMA = 0.25;
const SINGLE = { draws: 1, objective: 'cross-entropy' } as const;
/** λ of METHOD.md §2's trial, by depth. */
const WEIGHT = { 1: 20, 4: 5 } as const;
/** λ of which validation images choose one a depth and seed. */
const WEIGHTS = [5, 20, 50, 100];

const EVERY = {
  source: { dataset: 'fashion-mnist' },
  target: { dataset: 'mnist' },
  headsOn: ['target'],
  extractor: { preset: 'wrn-10-2' },
  noiseAttack: { enabled: false },
  pgd: { enabled: false },
  certification: { sigma: SIGMA, draws: 500, methods: ['label', 'pairwise'] },
} satisfies Partial<ExperimentConfigInput>;

/** One run of a seed: a training of the extractor, and heads of both depths by each of some trainings. */
interface Group {
  readonly name: string;
  readonly procedure: 'noise' | 'gaussian';
  /** Of heads; patience ends most of them before. */
  readonly maxEpochs: number;
  readonly heads: readonly { readonly name: string; readonly spec: (layers: Depth) => object }[];
  /** Whether λ is searched for on validation images as well. */
  readonly isSearched: boolean;
}
const DEPTHS = [1, 4] as const;
type Depth = (typeof DEPTHS)[number];

const AFRESH = 'gaussian, drawn anew in every step';
const bankOf = (weight: number): object => ({ drawBank: { draws: 16, weight } });
const KEPT: Group['heads'] = [
  { name: 'single draw', spec: () => ({ drawBank: SINGLE }) },
  { name: 'drawBank', spec: (layers) => bankOf(WEIGHT[layers]) },
];
const CHOSEN = 'drawBank, λ by validation';
/** The quickest answers first. Steps on kept draws cost a fraction of one through the extractor, so heads on them may take many more. */
const GROUPS: readonly Group[] = [
  { name: 'heads on kept draws, 16 epochs', procedure: 'gaussian', maxEpochs: 16, heads: KEPT, isSearched: true },
  {
    name: "the paper's noise, 30 epochs",
    procedure: 'noise',
    maxEpochs: 30,
    heads: [{ name: 'noise', spec: () => ({}) }],
    isSearched: false,
  },
  {
    name: 'gaussian, 30 epochs',
    procedure: 'gaussian',
    maxEpochs: 30,
    heads: [{ name: AFRESH, spec: () => ({}) }],
    isSearched: false,
  },
  { name: 'heads on kept draws, 120 epochs', procedure: 'gaussian', maxEpochs: 120, heads: KEPT, isSearched: true },
];

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
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'ptw-radius-'));
  const found = new Map<string, Measured[]>();
  try {
    for (const group of GROUPS) {
      for (let seed = 1; seed <= options.seeds; seed++) {
        const run = await runOf(configOf(group, { seed, instances: options.instances }), { ...options, folder });
        if (run === null) continue;
        for (const [name, measured] of reading(folder, (store) => measureRun(store, run, group))) {
          console.log(`  ${name}: mean label radius ${measured.label.toFixed(3)} σ`);
          found.set(name, [...(found.get(name) ?? []), measured]);
        }
      }
    }
  } finally {
    if (options.folder === null) rmSync(folder, { recursive: true, force: true });
  }
  const scale =
    `Fashion-MNIST → MNIST, bundled images, ${EVERY.extractor.preset}, ${options.instances} test instances, n = 500, σ = ${SIGMA}, the same draws in every row of a seed; ` +
    'medians over seeds (least to greatest). The mean radius is over all instances, 0 where there is no certificate for the own class.';
  publish('radius', [scale, resultsTable(found), targetsTable(found)].join('\n\n'), options);
}

/** The run of a config, done before or now; null where it is not done and nothing is to be run. */
async function runOf(
  config: ExperimentConfigInput,
  { folder, doneAlone }: { readonly folder: string; readonly doneAlone: boolean },
): Promise<number | null> {
  console.log(`${config.name} …`);
  if (!doneAlone) return (await quietRun(folder, config)).id;
  const { name } = config;
  return listRuns(folder).find((run) => run.name === name && run.status === 'done')?.id ?? null;
}

function configOf(
  group: Group,
  { seed, instances }: { readonly seed: number; readonly instances: number },
): ExperimentConfigInput {
  const { name, procedure, maxEpochs, isSearched } = group;
  const named = contestantsOf(group).map(({ spec }) => spec);
  return {
    ...EVERY,
    ...(isSearched ? { headSearch: {} } : {}),
    name: `radius: ${name}, seed ${seed}`,
    ...{ seed, instances },
    training: {
      source: { procedure, learningRate: 1e-3, maxEpochs: 4 },
      heads: { procedure, learningRate: 3e-3, maxEpochs },
    },
    heads: [...named, ...(isSearched ? searchedHeads() : [])],
  };
}

/** Heads by the names that tables have. */
function contestantsOf({ heads, maxEpochs }: Pick<Group, 'heads' | 'maxEpochs'>) {
  return DEPTHS.flatMap((layers) =>
    heads.map(({ name, spec }) => ({ name: nameOf(layers, name, maxEpochs), spec: headOf(layers, spec(layers)) })),
  );
}

/** Those of the search that are not among the named ones anyway. */
const searchedHeads = () =>
  DEPTHS.flatMap((layers) =>
    WEIGHTS.filter((weight) => weight !== WEIGHT[layers]).map((weight) => headOf(layers, bankOf(weight))),
  );

const headOf = (layers: Depth, spec: object) => ({ layers, constraint: 'none' as const, ...spec });

const nameOf = (layers: Depth, head: string, epochs: number): string =>
  `${layers} ${layers === 1 ? 'layer' : 'layers'}, ${head}, ${epochs} epochs`;

/** By the names that tables have. */
function measureRun(store: Store, id: number, group: Group): Map<string, Measured> {
  const stored = storedRun(store, id);
  const heads = headsOf(stored);
  const measureHead = (of: (typeof heads)[number]): Measured =>
    measure(store.results.certificateHeaders(stageOf(stored, 'certification', of)!.id));
  // Heads are in the order of the config's.
  const measured = new Map(contestantsOf(group).map(({ name }, i) => [name, measureHead(heads[i])]));
  if (!group.isSearched) return measured;
  const { config, heads: scored } = searchResults(store, id);
  for (const layers of DEPTHS) {
    const bank = scored.filter(({ spec }) => spec.layers === layers && spec.drawBank?.objective === 'consistency');
    const chosen = chosenHead({ config, heads: bank })!;
    console.log(`  chosen on validation images: ${chosen.head}`);
    measured.set(nameOf(layers, CHOSEN, group.maxEpochs), measureHead(chosen));
  }
  return measured;
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
      'head, training, epochs at most',
      'seeds',
      'mean radius by label, σ',
      'by pairwise, σ',
      ...MULTIPLES.map((multiple) => `A_V at ${multiple}σ`),
    ],
    [...found].map(([name, measured]) => [
      name,
      String(measured.length),
      withRange(measured.map(({ label }) => label)),
      withRange(measured.map(({ pairwise }) => pairwise)),
      ...MULTIPLES.map((multiple) => (100 * median(measured.map(({ at }) => at[multiple]))).toFixed(1)),
    ]),
  );
}

/** The figures that are asked for, beside what was measured. */
function targetsTable(found: ReadonlyMap<string, readonly Measured[]>): string {
  const line = (what: string, least: number | null, [above, below]: readonly [string, string]): string[] => {
    const [a, b] = [found.get(above) ?? [], found.get(below) ?? []];
    const ratios = a.slice(0, b.length).map(({ label }, seed) => label / b[seed].label);
    if (ratios.length === 0) return [what, least === null ? '–' : least.toFixed(2), '–', '–', '–'];
    const reached = least === null ? '–' : median(ratios) >= least ? 'yes' : 'no';
    return [what, least === null ? '–' : least.toFixed(2), String(ratios.length), withRange(ratios), reached];
  };
  const kept = (layers: Depth, epochs: number, head = 'drawBank'): readonly [string, string] => [
    nameOf(layers, head, epochs),
    nameOf(layers, 'single draw', epochs),
  ];
  const noise = (layers: Depth): readonly [string, string] => [nameOf(layers, AFRESH, 30), nameOf(layers, 'noise', 30)];
  const all = [...found.values()].flat();
  const below = all.reduce((sum, one) => sum + one.below, 0);
  const same = all.reduce((sum, one) => sum + one.sameClass, 0);
  return markdownTable(
    ['ratio of mean label radii, seed by seed', 'asked for', 'seeds', 'measured', 'reached'],
    [
      line('1 layer: drawBank over single draw, 16 epochs', 1.15, kept(1, 16)),
      line('4 layers: drawBank over single draw, 16 epochs', 1.04, kept(4, 16)),
      line(`1 layer: ${CHOSEN}, over single draw, 16 epochs`, 1.15, kept(1, 16, CHOSEN)),
      line(`4 layers: ${CHOSEN}, over single draw, 16 epochs`, 1.04, kept(4, 16, CHOSEN)),
      line('1 layer: drawBank over single draw, 120 epochs', 1.15, kept(1, 120)),
      line('4 layers: drawBank over single draw, 120 epochs', 1.04, kept(4, 120)),
      line(`1 layer: ${CHOSEN}, over single draw, 120 epochs`, 1.15, kept(1, 120, CHOSEN)),
      line(`4 layers: ${CHOSEN}, over single draw, 120 epochs`, 1.04, kept(4, 120, CHOSEN)),
      line("1 layer: gaussian over the paper's noise", 1.5, noise(1)),
      line("4 layers: gaussian over the paper's noise", 1.5, noise(4)),
      [
        'pairwise below label where both test the same class, instances',
        '0',
        '–',
        `${below} of ${same}`,
        below === 0 ? 'yes' : 'no',
      ],
    ],
  );
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

const withRange = (values: readonly number[]): string =>
  `${median(values).toFixed(2)} (${Math.min(...values).toFixed(2)}–${Math.max(...values).toFixed(2)})`;
