import { headSpecSchema, type ExperimentConfig, type HeadSearch, type HeadSpec } from '../../../shared/config.ts';
import { headGridSchema, type HeadGrid } from '../../../shared/headSearchOptions.ts';

export const DEFAULT_GRID: HeadGrid = headGridSchema.parse({});

/** Every combination. Without a term λ weighs nothing, and all its values are one head. */
export function headsOfGrid({ layers, constraints, weights, temperatures, objective, draws }: HeadGrid): HeadSpec[] {
  const terms = objective === 'cross-entropy' ? [{}] : weights.map((weight) => ({ weight }));
  return layers.flatMap((depth) =>
    constraints.flatMap((constraint) =>
      terms.flatMap((term) =>
        temperatures.map((temperature) =>
          headSpecSchema.parse({ layers: depth, constraint, temperature, drawBank: { objective, draws, ...term } }),
        ),
      ),
    ),
  );
}

/**
 * The experiment that searches heads on an experiment's extractor: the same data, seed and extractor, so that what is trained already
 * serves; nothing is attacked or certified on test instances.
 */
export function searchConfig(
  { heads: _heads, ...config }: ExperimentConfig,
  { name, grid, search }: { readonly name: string; readonly grid: HeadGrid; readonly search: HeadSearch },
): ExperimentConfig {
  return {
    ...config,
    name,
    headsOn: ['target'],
    heads: headsOfGrid(grid),
    headSearch: search,
    noiseAttack: { ...config.noiseAttack, enabled: false },
    pgd: { ...config.pgd, enabled: false },
    adversarialSearch: { ...config.adversarialSearch, enabled: false },
    certification: { ...config.certification, enabled: false },
  };
}
