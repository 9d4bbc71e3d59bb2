import { headInputs, requireClass, requireHead, type DenseHead } from './head.ts';
import { intervalMargins } from './kernel/kernel.ts';
import { requireBox, type RepresentationBox } from './representationBox.ts';

/**
 * Lower bounds of the margins h_c − h_j over all z with lower ≤ z ≤ upper, [K], +Infinity at c: interval propagation
 * through all layers but the last, which is merged as W_c − W_j (METHOD.md §4). Exact for one layer but for the rounding, which is
 * taken outward at every layer. A box that is one point gives a lower bound of the margin there.
 * @throws RangeError for sizes that differ, an unknown class, or a lower bound above its upper one
 */
export function propagatedMargins(head: DenseHead, box: RepresentationBox, c: number): Float64Array {
  requireHead('interval margins', head);
  requireClass('interval margins', head, c);
  requireBox('interval margins', box, headInputs(head));
  return intervalMargins(head, box, c);
}
