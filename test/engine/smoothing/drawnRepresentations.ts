import { QUIET, type StageContext } from '../../../src/main/engine/context.ts';
import { Passes } from '../../../src/main/engine/passes.ts';
import { valuesOf } from '../../../src/main/engine/readBack.ts';
import {
  DRAWS_BATCH,
  eachPassOfDraws,
  type InstanceDraws,
  type NoisyModel,
} from '../../../src/main/engine/smoothing/draws.ts';

/** Representations of an instance's draws, [count, D], in one array. */
export async function drawnRepresentations(
  model: NoisyModel,
  request: InstanceDraws,
  context: StageContext = QUIET,
): Promise<Float32Array> {
  const passes = new Passes({ rows: DRAWS_BATCH, of: 'draws', release: () => model.dispose() }, context);
  const parts: number[] = [];
  await eachPassOfDraws({ model, passes }, request, async ({ representations }, { rows, count }) => {
    const values = await valuesOf(representations);
    parts.push(...values.subarray(0, (count * values.length) / rows));
  });
  return Float32Array.from(parts);
}
