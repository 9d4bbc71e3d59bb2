import type { CertificationSettings } from '../../../shared/config.ts';
import { representationLevel } from '../../math/levels.ts';
import { radiusTable } from '../../math/orderStatistics.ts';

/** What of the certification decides how large its boxes are. */
export type BoxSource = Pick<CertificationSettings, 'sigma' | 'draws' | 'alpha' | 'selection'>;

export type BoxIndex =
  | { readonly outcome: 'found'; readonly index: number }
  /** @property largest the largest radius that any index gives, in σ; null where the draws are too few for any index */
  | { readonly outcome: 'none'; readonly largest: number | null };

/**
 * The largest order statistic whose certificates reach a radius (METHOD.md §4): its boxes, between the index-th smallest and
 * the index-th largest draw of each coordinate, are the smallest that do.
 * @param dimension D
 * @param radius in units of σ
 */
export function boxIndex({ draws, alpha, selection }: BoxSource, dimension: number, radius: number): BoxIndex {
  const radii = radiusTable(draws, representationLevel({ alpha, selection, dimension }));
  // Descending: those that reach the radius come first.
  const index = radii.filter((reached) => reached >= radius).length;
  if (index > 0) return { outcome: 'found', index };
  return { outcome: 'none', largest: radii.length === 0 ? null : radii[0] };
}
