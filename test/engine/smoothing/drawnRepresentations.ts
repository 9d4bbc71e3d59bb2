import { QUIET, type StageContext } from '../../../src/main/engine/context.ts';
import { Passes } from '../../../src/main/engine/passes.ts';
import { valuesOf } from '../../../src/main/engine/readBack.ts';
import {
  DRAWS_BATCH,
  eachPassOfDraws,
  type InstanceDraws,
  type NoisyExtractor,
} from '../../../src/main/engine/smoothing/draws.ts';

/** Representations of an instance's draws, [count, D], in one array. */
export async function drawnRepresentations(
  extractor: NoisyExtractor,
  request: InstanceDraws,
  context: StageContext = QUIET,
): Promise<Float32Array> {
  const passes = new Passes({ rows: DRAWS_BATCH, of: 'draws', release: () => extractor.dispose() }, context);
  const parts: number[] = [];
  await eachPassOfDraws({ extractor, passes }, request, async (z, { rows, count }) => {
    const values = await valuesOf(z);
    parts.push(...values.subarray(0, (count * values.length) / rows));
  });
  return Float32Array.from(parts);
}
