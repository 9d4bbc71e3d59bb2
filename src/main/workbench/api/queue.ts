import type { EpochSeries, queueCalls, StageView } from '../../../shared/api/queue.ts';
import type { StageRecord } from '../../store/tables/stage.ts';
import { remainingOf } from '../experiments/remainingOf.ts';
import type { ApiContext, Handlers } from './handlers.ts';

export const queueHandlers = ({ store, queue }: ApiContext): Handlers<typeof queueCalls> => ({
  'queue.state': () => queue.state(),
  'queue.add': ({ config }) => ({ entry: queue.add(config) }),
  'queue.resume': ({ run }) => ({ entry: queue.resume(run) }),
  'queue.addStudy': ({ study }) => queue.addStudy(study),
  'queue.remove': ({ entry }) => doing(() => queue.remove(entry)),
  'queue.move': ({ entry, before }) => doing(() => queue.move(entry, before)),
  'queue.pause': () => doing(() => queue.pause()),
  'queue.continue': () => doing(() => queue.continue()),
  'queue.cancel': () => doing(() => queue.cancel()),
  'queue.live': ({ run }) => {
    store.runs.get(run);
    const current = queue.currentOf(run);
    return { stages: store.stages.ofRun(run).map(stageView), work: current?.work ?? null, isCurrent: current !== null };
  },
  'queue.remaining': ({ run }) => remainingOf(store, run),
  'queue.epochs': ({ run }) => {
    store.runs.get(run);
    return store.stages.ofRun(run).flatMap((stage) => seriesOf(stage, store.stages.epochs(stage.id)));
  },
  'queue.log': ({ run, before, limit }) => {
    store.runs.get(run);
    return store.queue.logOf(run, { before, limit });
  },
});

/** The answer of a call that only does something. */
function doing(work: () => void): Record<string, never> {
  work();
  return {};
}

export const stageView = ({ id, kind, domain, headLabel, status, seconds }: StageRecord): StageView => ({
  stage: id,
  kind,
  domain,
  head: headLabel,
  status,
  seconds,
});

function seriesOf(
  { id, kind, domain, headLabel }: StageRecord,
  epochs: ReturnType<ApiContext['store']['stages']['epochs']>,
): EpochSeries[] {
  if ((kind !== 'extractor' && kind !== 'head') || epochs.length === 0) return [];
  const of = (value: (epoch: (typeof epochs)[number]) => number | null): Float64Array =>
    Float64Array.from(epochs, (epoch) => value(epoch) ?? NaN);
  return [
    {
      stage: id,
      kind,
      domain,
      head: headLabel,
      epoch: of(({ epoch }) => epoch),
      trainLoss: of(({ trainLoss }) => trainLoss),
      validationLoss: of(({ validationLoss }) => validationLoss),
      validationAccuracy: of(({ validationAccuracy }) => validationAccuracy),
    },
  ];
}
