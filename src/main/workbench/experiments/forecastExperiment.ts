import type { z } from 'zod';
import type { experimentsCalls } from '../../../shared/api/experiments.ts';
import type { ExperimentConfig } from '../../../shared/config.ts';
import type { Store } from '../../store/store.ts';
import { MEMORY_FIGURE } from '../runs/figures.ts';
import { DataAtHand } from '../studies/dataAtHand.ts';
import { donePieces, forecast, pacesOf, type DonePiece } from '../studies/forecast.ts';
import { piecesToDo } from '../studies/planStudy.ts';
import { dataKeys, planStages } from '../stageKeys.ts';
import { forewarnings, radiusCeilings } from './forewarnings.ts';

type ForecastView = z.infer<(typeof experimentsCalls)['experiments.forecast']['output']>;

/** Time and memory of an experiment, from what earlier runs took. @throws DataError where data files are damaged */
export function forecastExperiment(store: Store, config: ExperimentConfig): ForecastView {
  const data = new DataAtHand();
  const described = data.describe(config);
  const plans = planStages(config, dataKeys(config, described));
  const own = plans.filter(({ key }) => store.stages.findByKey(key)?.status !== 'done');
  const done = donePieces(store, data);
  return {
    forecast: forecast(piecesToDo({ config }, { own, data }), pacesOf(done)),
    stages: plans.length,
    storedStages: plans.length - own.length,
    pastError: pastError(done),
    memory: memoryOf(store, config),
    missing: data.missing([config]),
    reduced: data.reduced([config]),
    ceilings: radiusCeilings(config, described.domains.target.classNames.length),
    warnings: forewarnings(config),
  };
}

/** Forecast over time taken, for each run from the runs before it alone. */
export function pastError(done: readonly DonePiece[]): ForecastView['pastError'] {
  const runs = [...new Set(done.map(({ run }) => run))].sort((a, b) => a - b);
  const ratios = runs.slice(1).flatMap((run) => {
    const paces = pacesOf(done.filter((piece) => piece.run < run));
    const own = done.filter((piece) => piece.run === run && paces.has(piece.kind));
    const taken = own.reduce((sum, { seconds }) => sum + seconds, 0);
    const forecasted = own.reduce((sum, { kind, planned }) => sum + planned * paces.get(kind)!.factor, 0);
    return taken > 0 ? [forecasted / taken] : [];
  });
  if (ratios.length === 0) return null;
  const sorted = ratios.sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return {
    runs: sorted.length,
    medianRatio: sorted.length % 2 === 1 ? sorted[Math.floor(middle)] : (sorted[middle - 1] + sorted[middle]) / 2,
    leastRatio: sorted[0],
    greatestRatio: sorted[sorted.length - 1],
  };
}

/** Of runs with the same extractor and source, whose images set the sizes. */
function memoryOf(store: Store, { extractor, source }: ExperimentConfig): ForecastView['memory'] {
  const equals = (name: string, value: string) => ({
    column: { kind: 'config', name } as const,
    operator: '=' as const,
    value,
  });
  const conditions = [
    equals('extractor.preset', extractor.preset),
    ...(typeof source.dataset === 'string' ? [equals('source.dataset', source.dataset)] : []),
  ];
  const selector = { search: '', statuses: [], tags: [], archived: 'too' as const, conditions };
  const peaks = store.runList
    .column(selector, { kind: 'figure', name: MEMORY_FIGURE })
    .flatMap(({ value }) => (typeof value === 'number' ? value : []));
  return peaks.length === 0 ? null : { bytes: Math.max(...peaks), runs: peaks.length };
}
