import type { StageKind } from '../../store/tables/stage.ts';
import type { Store } from '../../store/store.ts';
import { dataKeys, planStages, type StagePlan } from '../stageKeys.ts';
import type { PlannedRun, StudyPlan } from '../../../shared/studyReport.ts';
import { DataAtHand } from './dataAtHand.ts';
import { expandStudy, type GridCell } from './expandStudy.ts';
import { forecast, storedPaces } from './forecast.ts';
import type { LoadedStudy } from './loadStudy.ts';
import { findStudy, runOfCell } from './runStudy.ts';
import type { PieceOfWork } from './work.ts';

export type { PlannedRun, StudyPlan };

/**
 * Runs, shared stages and a forecast of time. Without the files of a data set its stages have keys of their own, which tell
 * them apart but not whether the store has them.
 * @param store null where nothing was run yet
 * @throws BadInput as expandStudy; DataError where data files are damaged
 */
export function planStudy(store: Store | null, { study, document }: LoadedStudy): StudyPlan {
  const cells = expandStudy(study);
  const data = new DataAtHand();
  const known = store === null ? null : findStudy(store, document);
  const paces = store === null ? new Map<StageKind, never>() : storedPaces(store, data);
  const planned = new Set<string>();
  const worked = cells.map((cell) => {
    const plans = planStages(cell.config, dataKeys(cell.config, data.describe(cell.config)));
    const isStored = ({ key }: StagePlan): boolean => store?.stages.findByKey(key)?.status === 'done';
    const own = plans.filter((plan) => !planned.has(plan.key) && !isStored(plan));
    const stored = plans.filter(isStored).length;
    for (const { key } of plans) planned.add(key);
    const pieces = piecesToDo(cell, { own, data });
    const run = store === null || known === null ? null : runOfCell(store, known.id, cell);
    return { cell, plans, own, stored, pieces, status: run?.status ?? null };
  });
  const plans = worked.flatMap((one) => one.plans);
  return {
    name: study.name,
    scale: study.scale,
    study: known?.id ?? null,
    runs: worked.map(({ cell, plans: all, own, stored, pieces, status }) => ({
      position: cell.position,
      name: cell.name,
      stages: all.length,
      own: own.length,
      stored,
      seconds: forecast(pieces, paces).seconds,
      status,
    })),
    stages: plans.length,
    distinctStages: planned.size,
    storedStages: distinctStored(worked),
    forecast: forecast(
      worked.flatMap(({ pieces }) => pieces),
      paces,
    ),
    missing: data.missing(cells.map(({ config }) => config)),
    reduced: data.reduced(cells.map(({ config }) => config)),
  };
}

function distinctStored(
  worked: readonly { readonly plans: readonly StagePlan[]; readonly own: readonly StagePlan[] }[],
): number {
  const all = new Set(worked.flatMap(({ plans }) => plans.map(({ key }) => key)));
  const open = new Set(worked.flatMap(({ own }) => own.map(({ key }) => key)));
  return all.size - open.size;
}

/**
 * A run's own stages as the pieces that it works them off in; the extractor's own head is no work. Nor is, before it is there, what a
 * folder would make: it is among what is missing.
 */
export function piecesToDo(
  { config }: Pick<GridCell, 'config'>,
  { own, data }: { own: readonly StagePlan[]; data: DataAtHand },
): PieceOfWork[] {
  const work = own.filter(({ kind, inputs }) => kind !== 'head' || inputs['own'] !== true);
  return [...Map.groupBy(work, ({ kind, domain }) => `${kind} ${String(domain)}`).values()].flatMap((stages) => {
    const [{ kind, domain }] = stages;
    const training = kind === 'extractor' ? config.training.source : kind === 'head' ? config.training.heads : null;
    const images = data.trainingImages(config, domain ?? 'source', null);
    const shape = data.shape(config, domain);
    if (images === null || shape === null) return [];
    return [{ kind, domain, config, shape, heads: stages.length, images, epochs: training?.maxEpochs ?? null }];
  });
}
