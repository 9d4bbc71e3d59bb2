import {
  headSpecSchema,
  type Constraint,
  type ExperimentConfig,
  type HeadSearch,
  type HeadSpec,
  type Objective,
} from '../../../shared/config.ts';
import { BadInput } from '../errors.ts';

/** What heads of a search are made of: every combination is a head. */
export interface HeadGrid {
  readonly layers: readonly number[];
  readonly constraints: readonly Constraint[];
  /** λ of the objective. */
  readonly weights: readonly number[];
  readonly temperatures: readonly number[];
  readonly objective: Objective;
  /** m of the bank that all of them share. */
  readonly draws: number;
}

export const DEFAULT_GRID: HeadGrid = {
  layers: [1, 4],
  constraints: ['none', 'wn', 'wn-l1'],
  weights: [1, 5, 20],
  temperatures: [1, 30],
  objective: 'consistency',
  draws: 16,
};

/** Without a term λ weighs nothing, and all its values are one head. @throws BadInput for an empty side, and values that no head has */
export function headsOfGrid({ layers, constraints, weights, temperatures, objective, draws }: HeadGrid): HeadSpec[] {
  for (const [side, values] of Object.entries({ layers, constraints, weights, temperatures })) {
    if (values.length === 0) throw new BadInput(`head search: got no ${side}, expected at least one`);
    if (new Set<unknown>(values).size < values.length)
      throw new BadInput(`head search: got ${side} ${values.join(', ')}, expected each once`);
  }
  const terms = objective === 'cross-entropy' ? [{}] : weights.map((weight) => ({ weight }));
  return layers.flatMap((depth) =>
    constraints.flatMap((constraint) =>
      terms.flatMap((term) =>
        temperatures.map((temperature) =>
          specOf({ layers: depth, constraint, temperature, drawBank: { objective, draws, ...term } }),
        ),
      ),
    ),
  );
}

function specOf(value: unknown): HeadSpec {
  const parsed = headSpecSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new BadInput(`head search: ${problems.join('; ')}`);
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
