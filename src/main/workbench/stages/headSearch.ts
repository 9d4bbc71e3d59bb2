import type { Domain } from '../../../shared/config.ts';
import type { HeadScore } from '../../../shared/results.ts';
import type { TrainedExtractor } from '../artefactCodec.ts';
import { headScores } from '../headSearch/headScores.ts';
import { decodeHead } from '../artefactCodec.ts';
import type { RunInProgress, Stage } from '../runInProgress.ts';
import { headScoreKey } from '../stageKeys.ts';
import { weightsOf } from '../storedRun.ts';

/** Scores the heads of a domain that have none yet, by certificates of its validation images. */
export async function headSearchStage(run: RunInProgress, domain: Domain, extractor: TrainedExtractor): Promise<void> {
  if (run.config.headSearch === undefined) return;
  const { store, engines, reporter, signal } = run.inputs;
  const keyOf = (stage: Stage): string => headScoreKey(run.config, stage.plan);
  const open = run.of('head', domain).filter((stage) => !headScores(store.stages.get(stage.row.id)).has(keyOf(stage)));
  reporter.began({ title: `Head search, ${domain}`, reused: open.length === 0 });
  if (open.length === 0) return;
  const started = performance.now();
  const heads = open.map((stage) => ({ id: stage.plan.key, weights: decodeHead(weightsOf(store, stage.row)) }));
  await engines.run(
    [{ kind: 'score-heads', ...run.onExtractor(domain, extractor), heads }],
    (event) => {
      if (event.kind === 'progress') reporter.progress(event.done, event.total);
      else if (event.kind === 'notice') reporter.notice(event.text);
      else if (event.kind === 'head-score') keep(run, run.byKey(event.head), event.score);
    },
    signal,
  );
  reporter.ended((performance.now() - started) / 1000);
}

/** Beside other scores of the head, by its name. */
function keep({ store, config }: RunInProgress, { plan, row }: Stage, score: HeadScore): void {
  const stage = store.stages.get(row.id);
  const scores = Object.fromEntries(headScores(stage).set(headScoreKey(config, plan), score));
  const before = typeof stage.metrics === 'object' ? stage.metrics : {};
  store.stages.setStatus(row.id, { status: stage.status, metrics: { ...before, scores } });
}
