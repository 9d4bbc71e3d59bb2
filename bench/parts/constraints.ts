import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RULES, type ExperimentConfigInput } from '../../src/shared/config.ts';
import type { Store } from '../../src/main/store/store.ts';
import type { ReportRow, Share } from '../../src/shared/report.ts';
import { reportOf } from '../../src/main/workbench/report.ts';
import { stageOf, storedRun, type StoredRun } from '../../src/main/workbench/storedRun.ts';
import { reading } from '../../src/main/workbench/storeOfFolder.ts';
import { publish } from '../document.ts';
import type { Options } from '../options.ts';
import { quietRun } from '../quietRun.ts';
import { markdownTable, threeFigures } from '../table.ts';

/** Every constraint, at the temperature that it needs (see `temperature` of the config). */
const HEADS = ([1, 4] as const).flatMap((layers) => [
  { layers, constraint: 'none' as const },
  { layers, constraint: 'wn' as const },
  { layers, constraint: 'wn-l1' as const, temperature: 30 },
  { layers, constraint: 'spectral' as const, temperature: 30 },
  { layers, constraint: 'bjorck' as const, temperature: 10 },
]);
type Head = (typeof HEADS)[number];

const EXPERIMENT = {
  seed: 1,
  source: { dataset: 'fashion-mnist' },
  target: { dataset: 'mnist' },
  extractor: { preset: 'wrn-10-2' },
  training: {
    source: { procedure: 'noise', learningRate: 1e-3, maxEpochs: 4 },
    // On representations that are computed once: the head alone is timed, and no head's noise hides the constraint.
    heads: { procedure: 'normal', learningRate: 1e-3, maxEpochs: 60 },
  },
} satisfies Partial<ExperimentConfigInput>;

/**
 * What each constraint keeps of accuracy and of certificates: an ordinary experiment, run by the workbench in a temporary folder. Each
 * head is trained in a run of its own first, so that its time is its own; the experiment finds them all trained, as a head trained in
 * company is the same head bit for bit.
 */
export async function constraints(options: Options): Promise<void> {
  // Several would train the two domains side by side, and the time of a head would be that of both.
  process.env['PTW_ENGINES'] = '1';
  const folder = mkdtempSync(join(tmpdir(), 'ptw-constraints-'));
  try {
    for (const head of HEADS) {
      console.log(`Training a ${head.layers}-layer ${head.constraint} head …`);
      await run(folder, [head], {
        instances: 10,
        certification: { methods: ['label'], draws: 20, selectionDraws: 10 },
      });
    }
    console.log(`Certifying ${options.instances} instances a domain …`);
    const { id, conditions } = await run(folder, HEADS, { instances: options.instances });
    const table = reading(folder, (store) => tableOf(store, storedRun(store, id)));
    publish(
      'constraints',
      [`${conditions} ${options.instances} test instances a domain.`, table].join('\n\n'),
      options,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function run(
  folder: string,
  heads: readonly Head[],
  settings: Partial<ExperimentConfigInput>,
): Promise<{ id: number; conditions: string }> {
  return quietRun(folder, {
    ...EXPERIMENT,
    name: 'constraints',
    pgd: { enabled: false },
    heads: [...heads],
    ...settings,
  });
}

function tableOf(store: Store, stored: StoredRun): string {
  const header = ['head', 'A_B', 'label', 'pairwise', ...RULES, 'epochs', 'training, s'];
  const rows = reportOf(store, stored).map((row) => [
    `${row.domain}, ${row.head}`,
    percent(row.baseAccuracy),
    percent(row.label?.certified),
    percent(row.pairwise?.certified),
    ...certifiedByRule(store, stored, row),
    ...trainingOf(store, stored, row),
  ]);
  return markdownTable(header, rows);
}

/** A_V of representation certificates by each rule. */
function certifiedByRule(store: Store, stored: StoredRun, row: ReportRow): string[] {
  const summaries = store.results.summary(stageOf(stored, 'certification', row)!.id);
  return RULES.map((rule) => {
    const found = summaries.find((summary) => summary.rule === rule);
    return percent(found === undefined ? null : { hits: found.certifiedCorrect, total: found.total });
  });
}

function trainingOf(store: Store, stored: StoredRun, row: ReportRow): string[] {
  const stage = stageOf(stored, 'head', row)!;
  // The extractor's own head has none: it was trained with the extractor.
  const epochs = store.stages.epochs(stage.id).length;
  return epochs === 0 || stage.seconds === null ? ['–', '–'] : [String(epochs), threeFigures(stage.seconds)];
}

const percent = (share: Share | null | undefined): string =>
  share === null || share === undefined ? '–' : ((100 * share.hits) / share.total).toFixed(1);
