import path from 'node:path';
import type { Curve, runCalls } from '../../../shared/api/run.ts';
import type { CurveCeiling } from '../curves/ceiling.ts';
import { everyCurve, type CertifiedCurve } from '../curves/certifiedAccuracy.ts';
import { exportRun } from '../export/exportRun.ts';
import { classNamesOf } from '../instanceCertificates.ts';
import { withIntervals } from '../intervals.ts';
import { reportOf } from '../report.ts';
import { headsOf, stageOf, storedRun } from '../storedRun.ts';
import { BadInput } from '../errors.ts';
import type { ApiContext, Handlers } from './handlers.ts';
import { stageView } from './queue.ts';

export const runHandlers = ({ store, folder }: ApiContext): Handlers<typeof runCalls> => ({
  'run.get': ({ run: id }) => {
    const stored = storedRun(store, id);
    const { name, status, failure, createdAt, finishedAt, seconds, environment } = stored.run;
    const { note, isPinned, isArchived } = store.runList.organisation(id);
    return {
      run: id,
      ...{ name, status, failure, createdAt, finishedAt, seconds, environment },
      ...{ note, isPinned, isArchived, tags: store.runList.tagsOf(id) },
      config: stored.config,
      rows: withIntervals(reportOf(store, stored)),
      stages: stored.stages.map(stageView),
      studies: store.studies.ofRun(id),
    };
  },
  'run.curves': ({ run }) => everyCurve(store, storedRun(store, run)).map(curveView),
  'run.confusion': ({ run: id, domain, head, by, rule }) => {
    const run = storedRun(store, id);
    const of = { domain, head };
    if (!headsOf(run).some((one) => one.domain === domain && one.head === head)) {
      throw new BadInput(`run ${id} has no head "${head}" on the ${domain}`);
    }
    const stage = stageOf(run, by === 'clean' ? 'prediction' : 'certification', of);
    const counts =
      stage === undefined
        ? []
        : by === 'clean'
          ? store.results.predictionConfusion(stage.id)
          : store.results.certificateConfusion(stage.id, { method: by, rule });
    return { classNames: [...classNamesOf(run, domain)], counts };
  },
  'run.exportFiles': ({ run, format }) => {
    const out = path.join(folder, 'exports', `run-${run}`);
    return { folder: out, files: exportRun(folder, run, { format, out, force: true }) };
  },
});

function curveView({ domain, head, method, rule, soundness, pixelsPerUnit, steps, ceiling }: CertifiedCurve): Curve {
  const of = (value: (step: (typeof steps)[number]) => number): Float64Array => Float64Array.from(steps, value);
  return {
    ...{ domain, head, method, rule, pixelsPerUnit },
    isProof: soundness === 'proved',
    radius: of(({ radiusNormalised }) => radiusNormalised),
    accuracy: of(({ certified }) => certified.hits / certified.total),
    lower: of(({ interval }) => interval.lower),
    upper: of(({ interval }) => interval.upper),
    instances: steps[0].certified.total,
    ceiling: ceiling === null ? null : ceilingView(ceiling),
  };
}

function ceilingView({ radiusNormalised, instances, lifted }: CurveCeiling): Curve['ceiling'] {
  const higher = lifted === null ? null : { radius: lifted.radiusNormalised, draws: lifted.draws };
  return { radius: radiusNormalised, instances, lifted: higher };
}
