import type { Stage } from '../runInProgress.ts';

/** The instances that some of the stages have no result of yet, each with the heads of those stages, by key. */
export function lackingHeads(
  stages: readonly Stage[],
  instances: Int32Array,
  doneIndices: (stage: Stage) => readonly number[],
): { readonly datasetIndex: number; readonly heads: readonly string[] }[] {
  const done = stages.map((stage) => ({ key: stage.plan.key, indices: new Set(doneIndices(stage)) }));
  return Array.from(instances, (datasetIndex) => ({
    datasetIndex,
    heads: done.filter(({ indices }) => !indices.has(datasetIndex)).map(({ key }) => key),
  })).filter(({ heads }) => heads.length > 0);
}
