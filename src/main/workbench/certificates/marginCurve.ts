import type { z } from 'zod';
import type { certificatesCalls } from '../../../shared/api/certificates.ts';
import type { Domain } from '../../../shared/config.ts';
import type { RepresentationEvidence } from '../../../shared/results.ts';
import { startEngines } from '../../engine/process/engines.ts';
import { boxOfIndex, mediansOfSorted } from '../../math/certificates/search.ts';
import { argmax, headLogits } from '../../math/head.ts';
import { radiusLost } from '../../math/lattice/lattice.ts';
import { representationLevel } from '../../math/levels.ts';
import { isProof, MARGINS_OVER_BOXES } from '../../math/marginRules.ts';
import { radiusTable } from '../../math/orderStatistics.ts';
import type { Store } from '../../store/store.ts';
import { checkBackend } from '../checkConfig.ts';
import { BadInput } from '../errors.ts';
import { describe } from '../executeRun.ts';
import { transferSpecOf, type RunReporter } from '../runInProgress.ts';
import { requireSameData } from '../sameData.ts';
import { headWeights, stageOf, storedRun, trainedExtractor } from '../storedRun.ts';

type MarginCurve = z.infer<(typeof certificatesCalls)['certificates.marginCurve']['output']>;

/** Boxes that are looked at, evenly over the radii; linear bounds take some milliseconds a box. */
const MOST_BOXES = 40;

/**
 * Margins of one image and head on its boxes from the smallest to the largest (METHOD.md §4), by every rule that it was certified by.
 * Stored evidence has one box a rule, so the noise is drawn again.
 * @throws BadInput where there is no such certificate, or the images are others than the run's; StoreError; EngineError
 */
export async function marginCurve(
  store: Store,
  of: { readonly run: number; readonly domain: Domain; readonly head: string; readonly index: number },
  { reporter, signal }: { readonly reporter: RunReporter; readonly signal: AbortSignal },
): Promise<MarginCurve> {
  const run = storedRun(store, of.run);
  const stage = stageOf(run, 'certification', of);
  const stored = (stage === undefined ? [] : store.results.instanceCertificates(stage.id, of.index)).flatMap(
    ({ evidence }) => (evidence.method === 'representation' ? evidence : []),
  );
  const first = stored.at(0);
  if (first === undefined) {
    throw new BadInput(
      `run ${of.run} has no representation certificates of test image ${of.index} of the ${of.domain} under "${of.head}"`,
    );
  }
  const weights = headWeights(store, run, of);
  const engines = await startEngines();
  try {
    checkBackend(run.config, engines.backend);
    const { domains } = await describe({ config: run.config, engines, signal });
    requireSameData(run, domains, `drawing again for run ${of.run}`);
    let columns: Float32Array | null = null;
    reporter.began({ title: 'Draws again', reused: false });
    await engines.run(
      [
        {
          kind: 'draw',
          transfer: transferSpecOf(run.config),
          config: run.config,
          extractor: trainedExtractor(store, run).extractor,
          domain: of.domain,
          indices: Int32Array.of(of.index),
        },
      ],
      (event) => {
        if (event.kind === 'columns') columns = event.columns;
        if (event.kind === 'notice') reporter.notice(event.text);
      },
      signal,
    );
    return marginsAtRadii({ stored, columns: columns!, weights });
  } finally {
    await engines.close();
  }
}

/** From the sorted draws, [D, n]. */
export function marginsAtRadii({
  stored,
  columns,
  weights,
}: {
  readonly stored: readonly RepresentationEvidence[];
  readonly columns: Float32Array;
  readonly weights: ReturnType<typeof headWeights>;
}): MarginCurve {
  const [{ draws, selection, selectionMedian, sigma, median: storedMedian }] = stored;
  const sorted = { sortedColumns: columns, draws };
  const level = representationLevel({ ...stored[0], dimension: columns.length / draws });
  const radii = radiusTable(draws, level);
  const median = mediansOfSorted(sorted);
  const predicted = argmax(headLogits(weights, selection === 'separate' ? selectionMedian : median));
  const indices = indicesOf(radii.length, stored);
  const boxes = indices.map((k) => boxOfIndex(sorted, k));
  const classes = weights.layers.at(-1)!.outputs;
  return {
    predicted,
    radius: Float64Array.from(indices, (k) => Math.max(0, sigma * radii[k - 1] - radiusLost(stored[0]))),
    rules: stored.map(({ rule }) => {
      const marginsOver = MARGINS_OVER_BOXES[rule](weights, median, predicted);
      const margins = new Float64Array(indices.length * classes);
      boxes.forEach((box, i) => margins.set(marginsOver(box), i * classes));
      return { rule, isProof: isProof(rule, weights.constraint), margins };
    }),
    isSame:
      equal(median, storedMedian) &&
      stored.every(({ k, lower, upper }) => {
        const box = boxes[indices.indexOf(k)];
        return equal(box.lower, lower) && equal(box.upper, upper);
      }),
  };
}

/** Descending, so that radii ascend: evenly spread, with those of the stored boxes among them. */
function indicesOf(largest: number, stored: readonly RepresentationEvidence[]): number[] {
  const steps = Math.min(MOST_BOXES, largest);
  const spread = Array.from({ length: steps }, (_, i) =>
    Math.round(largest - (i * (largest - 1)) / Math.max(1, steps - 1)),
  );
  return [...new Set([...spread, ...stored.map(({ k }) => k)])].sort((a, b) => b - a);
}

const equal = (a: Float32Array, b: Float32Array): boolean =>
  a.length === b.length && a.every((value, i) => Object.is(value, b[i]));
